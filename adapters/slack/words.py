"""The few words that the adapter adds by itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A bot may bring its own. `good` and `bad` are read out for the feedback buttons' thumbs."""

    choose: str = "Choose…"
    good: str = "This answer helped"
    bad: str = "This answer did not help"
    not_asked: str = "This question is not yours to answer."
    answered_there: str = "I answer in our direct message."
    not_now: str = "This cannot be done right now. Please try again in a moment."

    def not_yours(self, asked: str) -> str:
        """To somebody who pressed a button of another's question; `asked` is whose, by Slack's id."""
        return f"This question is for <@{asked.rpartition('/')[2]}>."
