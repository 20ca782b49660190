"""What the engine itself says, and the words that it understands everywhere; a bot may bring its own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """Every sentence that no flow wrote. Braces are filled in by the engine."""

    menu: str = "Here is what I can do:"
    menu_unknown: str = "I did not understand that. Here is what I can do:"
    which: str = "Which of these do you mean?"
    menu_empty: str = "I cannot do anything yet: no flow has been written for me."
    cancelled: str = "All right, I have stopped that."
    nothing_to_cancel: str = "There is nothing to cancel."
    started_over: str = "All right, let us start over."
    nothing_before: str = "There is no earlier question to go back to."
    that_is_done: str = "That is done, so I cannot go back past it."
    expired: str = "That button has expired."
    help: str = 'Please answer the question. You can also say "back", "start over" or "cancel".'
    way_out: str = 'You can also say "back", "start over", "cancel" or "help".'
    corrected: str = "All right, I have changed that."
    not_a_choice: str = "Please choose one of these."
    not_understood: str = "I did not understand that."
    gave_up: str = "Let us leave it there for now. You can start again whenever you like."
    apology: str = "Sorry, something went wrong on my side. Please try that again."
    damaged: str = "Sorry, I lost track of our conversation, so we start afresh."
    restarted: str = "I have changed since we last spoke, so let me go through this again."
    retired: str = "I can no longer go on with what we were doing."
    quoted: str = "This is what I found:"
    nothing_found: str = "I have found nothing about that."
    stopped: str = " … (stopped)"
    waiting: str = 'I will go on by myself when it is time. You can also say "cancel".'
    unverified: str = "I cannot go on without making sure that it is you."
    otp_ask: str = "I have sent a code to {address}. Please enter it here."
    otp_again: str = "I have sent a new code to {address}. Please enter it here."
    otp_repeat: str = 'Please enter the code that I sent you, or say "resend" for a new one.'
    otp_wrong: str = 'That code is not right. Please try again, or say "resend" for a new one.'
    otp_expired: str = "That code has expired."
    otp_locked: str = "Too many wrong codes."
    otp_down: str = "I cannot check codes just now. Please try again in a few minutes."
    otp_message: str = "Your code is {code}. It is valid for five minutes. Never share it."


@dataclass(frozen=True, slots=True)
class Commands:
    """Words that work at every point of a conversation; only the exact word counts."""

    cancel: tuple[str, ...] = ("cancel", "/cancel", "never mind")
    start_over: tuple[str, ...] = ("start over", "/restart", "restart")
    back: tuple[str, ...] = ("back", "/back", "go back")
    help: tuple[str, ...] = ("help", "/help", "what can you do")
    resend: tuple[str, ...] = ("resend", "send again", "new code")


@dataclass(frozen=True, slots=True)
class Phrasings:
    """How people correct themselves and ask back: regular expressions for a whole message; case does not count.

    A correction has a group `new`, and may have a group `old`: the answer, or the name of the question, that it is
    about. `correct` says so plainly; `perhaps_correct` counts only where the message is no answer.
    """

    correct: tuple[str, ...] = (
        r"(?:(?:no|nope|sorry|oops|wait)[\s,.;!–-]+)*(?:what )?i (?:meant|mean|wanted)(?: to say)?[\s,:]+(?P<new>.+)",
        r"(?:please )?(?:change|correct|switch) (?:(?:the|my) )?(?P<old>.+?) (?:in)?to (?P<new>.+)",
        r"(?:no, )?not (?P<old>.+?),? but (?P<new>.+)",
    )
    perhaps_correct: tuple[str, ...] = (
        r"(?:actually|rather|sorry|oops|wait|no)[\s,.;:!–-]+(?:make (?:it|that) )?(?P<new>.+)",
    )
    question: tuple[str, ...] = (
        r".*\w.*[?？؟]",
        r"(?:who|what|when|where|why|how|which|is|are|do|does|can|could|may|should|will) \S+ .+",
    )
