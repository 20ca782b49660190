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
    no_file: str = "I cannot take a file here."
    unasked_file: str = 'Thank you, but I was not waiting for a file. Say "help" to see what I can do.'
    gave_up: str = "Let us leave it there for now. You can start again whenever you like."
    apology: str = "Sorry, something went wrong on my side. Please try that again."
    damaged: str = "Sorry, I lost track of our conversation, so we start afresh."
    restarted: str = "I have changed since we last spoke, so let me go through this again."
    retired: str = "I can no longer go on with what we were doing."
    quoted: str = "This is what I found:"
    nothing_found: str = "I have found nothing about that."
    stopped: str = " … (stopped)"
    handed_over: str = (
        "I am passing you on to a person, who can read what we said. Please write here; they will answer."
    )
    handed_back: str = "It is me again, the bot."
    no_person: str = "There is nobody here who could take over, I am sorry."
    waiting: str = 'I will go on by myself when it is time. You can also say "cancel".'
    approve_yes: str = "Approve"
    approve_no: str = "Reject"
    approve_how: str = 'Please say "approve" or "reject".'
    approve_waiting: str = 'I am waiting for somebody to approve that. You can also say "cancel".'
    approve_changed: str = "Something has changed meanwhile, so I have to ask again."
    approve_expired: str = "The time to decide that is over."
    approve_decided: str = "That has been decided already."
    link_ask: str = (
        "Your code is {code}. Enter it in your other chat within five minutes, or enter here the code that you got "
        "there. Never tell it to anybody."
    )
    link_repeat: str = (
        'Please enter the code from your other chat, or say "resend" for a new one of this chat.'
    )
    link_wrong: str = "That code is not right, or its five minutes are over. Please try again."
    link_own: str = (
        "That is the code of this chat, or of another chat of the same account. Enter it in the other one."
    )
    link_linked: str = "That chat is joined with this one already."
    link_full: str = "Too many chats are joined already. Part one of them first."
    link_locked: str = "Too many wrong codes. Please try again later."
    link_down: str = "I cannot check codes just now. Please try again in a few minutes."
    link_sure: str = (
        "This code is from {place} ({name}). If you go on, what I remember of you there and here is shared "
        "({count} there){under_way}. Join only a chat of your own. Shall I join the two?"
    )
    link_under_way: str = ", and so is what is under way there: {flow}, since {since}"
    link_yes: str = "Yes, join them"
    link_no: str = "No"
    linked_there: str = (
        'This chat is now joined with {place} ({name}). If that was not you, say "cancel" and unlink it.'
    )
    unlink_none: str = "This chat is not joined with any other."
    unlink_who: str = "This chat is joined with these. Which shall I part from it?"
    unlink_all: str = "All of them"
    unlink_sure: str = (
        "This chat is joined with {name}. Shall I part the two? What each of them knows stays with it."
    )
    unlink_yes: str = "Yes, part them"
    unlink_no: str = "No"
    take_up: str = "You have this under way on {place}, since {since}: {flow}. Go on with that here?"
    take_up_yes: str = "Yes, go on"
    take_up_anew: str = "No, start anew"
    take_up_no: str = "No"
    take_up_left: str = "All right, it stays there."
    take_up_gone: str = "That has gone on elsewhere meanwhile."
    taken_up: str = "All right, we go on here."
    taken_up_there: str = "Continued on {place}."
    today: str = "today"
    yesterday: str = "yesterday"
    weekdays: str = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
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
    person: tuple[str, ...] = (
        "a person",
        "person",
        "/person",
        "human",
        "a human",
        "agent",
        "talk to a person",
        "talk to a human",
        "speak to a person",
        "speak to a human",
        "i want to talk to a person",
    )
    carry_on: tuple[str, ...] = ("continue", "/continue", "carry on")
    resend: tuple[str, ...] = ("resend", "send again", "new code")
    approve: tuple[str, ...] = ("approve", "approved", "yes", "y")
    reject: tuple[str, ...] = ("reject", "rejected", "no", "n")


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
    reject: tuple[str, ...] = (r"(?:no|reject(?:ed)?)[\s,.:;–-]+because(?: of)? (?P<reason>.+)",)
    question: tuple[str, ...] = (
        r".*\w.*[?？؟]",
        r"(?:who|what|when|where|why|how|which|is|are|do|does|can|could|may|should|will) \S+ .+",
    )
