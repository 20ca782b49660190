"""A session in a person's hands: the bot is silent, and what comes meanwhile is kept for when it goes on.

What operators do comes as entries of the session's lane, so that it keeps its place among what the user writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from flows.exchange import Exchange
from flows.input import HandedBack, Input, TimeUp
from flows.timers import ring, take_in
from storage.outcomes import Hand, NewMessage
from storage.records import EntryKind, Sender


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing is said or run. `changed`: something was put aside in the state."""

    changed: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """The operator `by` says this; the bot has no part in it."""

    message: NewMessage
    by: str


@dataclass(frozen=True, slots=True)
class GoOn:
    """The bot has the session again, and goes on where it was."""

    given: Input | None


@dataclass(frozen=True, slots=True)
class Over:
    """The session ends, and all that was under way in it."""

    resolved: bool | None


Standby: TypeAlias = Silent | Spoken | GoOn | Over


def stand_by(exchange: Exchange) -> Standby:
    """What an entry comes to while a person has the session, or that an operator made."""
    entry, session, frames = exchange.turn.entry, exchange.turn.session, exchange.frames
    match entry.kind:
        case EntryKind.OPERATOR:
            return _operated(exchange)
        case EntryKind.TIMER:
            waiting = frames[-1].pending if frames else None
            time_up = ring(entry, frames, heard=False)
            if (
                time_up == TimeUp("due")
                and waiting is not None
                and waiting.kind == "handoff"
                and not session.owner
            ):
                return GoOn(time_up)
            return Silent(changed=True)
        case EntryKind.EVENT:
            take_in(entry, frames)
            return Silent(changed=True)
        case _:
            return Silent()


def _operated(exchange: Exchange) -> Standby:
    entry, session, frames = exchange.turn.entry, exchange.turn.session, exchange.frames
    asked = entry.payload if isinstance(entry.payload, dict) else {}
    by = str(asked.get("by", ""))
    match asked.get("action"):
        case "reply":
            # Under the entry's own id: whoever asked for it knows the message by that.
            message = NewMessage(
                entry.id, str(asked.get("text", "")), sender=Sender.AGENT, sensitive=entry.sealed
            )
            if not session.in_handoff:  # given back meanwhile by the same operator, who says one thing more
                exchange.hand = Hand(to_person=True, owner=by)
            return Spoken(message, by)
        case "resume" if session.in_handoff and session.owner == by:
            waiting = frames[-1].pending if frames else None
            if waiting is not None and waiting.kind == "handoff":
                return GoOn(HandedBack(by))
            exchange.tell(exchange.bot.texts.handed_back)
            return GoOn(None)
        case "close":
            resolved = asked.get("resolved")
            return Over(resolved if isinstance(resolved, bool) else None)
        case _:
            return Silent()
