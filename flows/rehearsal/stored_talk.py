"""A conversation as it is on record, as the steps that a replay takes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from flows.record import Damaged, Frame, Status, read_frames
from flows.rehearsal.conversation import Said, read
from flows.values import decode
from storage.outcomes import StoredResult
from storage.records import Sender, Session, State, StoredMessage

HIDDEN = "[sensitive]"
OPERATOR = "operator:"
# Parts of a reply that are shown otherwise, or that come out with other ids each time.
_ELSEWHERE = frozenset({"text", "choices", "approval"})


@dataclass(frozen=True, slots=True)
class StoredTalk:
    """What storage has of one session: all messages and results in order, and where it stands."""

    session: Session
    state: State
    messages: Sequence[StoredMessage]
    results: Sequence[StoredResult]


@dataclass(frozen=True, slots=True)
class Step:
    """What moved the session at a time: a user's or operator's message, or an entry that no message tells of.

    `joined`: the message was answered together with the next one.
    """

    at: datetime
    message: StoredMessage | None = None
    told: StoredResult | None = None
    joined: bool = False


@dataclass(slots=True)
class Steps:
    """`replies` are the bot's, by the message that they answer; `unasked` answer none, the earliest first."""

    taken: list[Step] = field(default_factory=list)
    replies: dict[UUID, list[StoredMessage]] = field(default_factory=dict)
    unasked: list[StoredMessage] = field(default_factory=list)


def steps_of(talk: StoredTalk) -> Steps:
    """The steps of a conversation in the order of time, and what the bot said to them."""
    steps = Steps()
    held = {each.message_id for each in talk.results if each.result.kind == "joined"}
    moving = {message.id for message in talk.messages if message.sender is Sender.USER}
    for message in talk.messages:
        if message.sender in (Sender.USER, Sender.AGENT):
            steps.taken.append(Step(message.created_at, message, joined=message.id in held))
        elif message.in_reply_to in moving and message.in_reply_to is not None:
            steps.replies.setdefault(message.in_reply_to, []).append(message)
        else:
            steps.unasked.append(message)
    for each in talk.results:
        if each.result.kind in ("event", "operator") or is_decision(each):
            steps.taken.append(Step(each.created_at, told=each))
    steps.taken.sort(key=lambda step: step.at)
    return steps


def is_decision(stored: StoredResult) -> bool:
    """Whether an operator approved or rejected something; the person's own word is a message."""
    value = stored.result.value
    by = value.get("by") if stored.result.kind == "approve" and isinstance(value, dict) else None
    return stored.message_id is None and isinstance(by, str) and by.startswith(OPERATOR)


def answers_of(state: State) -> dict[tuple[str, str], str]:
    """What was answered in the flows that are still under way, as a person would type it, by flow and ask."""
    try:
        frames = [] if state.damage else read_frames(state.data)
    except Damaged:
        return {}
    return {
        (frame.flow, row.path): _typed(decode(row.value))
        for frame in frames
        for row in frame.rows.values()
        if row.kind == "ask" and row.status is Status.OK
    }


def top_of(state: State) -> Frame | None:
    """The flow that talks."""
    frames = read_frames(state.data)
    return frames[-1] if frames else None


def face_of(said: Said) -> str:
    """A reply on one line or more, with all that the person sees of it."""
    if said.sensitive:
        return HIDDEN
    labels = f"   [{' | '.join(said.labels)}]" if said.labels else ""
    document: Mapping[str, Any] = said.document or {}
    more = {key: value for key, value in document.items() if key not in _ELSEWHERE}
    return f"{said.text}{labels}" + (f"   {orjson.dumps(more).decode()}" if more else "")


def face_stored(message: StoredMessage) -> str:
    """The same of a reply that is on record."""
    return face_of(read(message.content, message.content_type.value))


def _typed(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(_typed(each) for each in value)
        case _:
            return str(value)
