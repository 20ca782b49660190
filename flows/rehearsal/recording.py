"""The talk of a conversation test, from what was said in a session and what happened in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flows.rehearsal.conversation import read
from flows.rehearsal.stored_talk import HIDDEN, OPERATOR, is_decision
from flows.values import decode
from storage.outcomes import Result, StoredResult
from storage.records import Sender, StoredMessage

# A shorter silence changes nothing that a flow could notice, unless a timer ends it.
WORTH_TELLING = timedelta(minutes=5)
# What comes of an event, of an operator's deed or of a timer is said once its turn has run; what comes later than
# this is another timer's.
_AT_ONCE = timedelta(seconds=30)
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def lines_of_talk(messages: Sequence[StoredMessage], results: Sequence[StoredResult]) -> list[dict[str, Any]]:
    """The lines of `talk:` in order; both are in the order of the conversation."""
    talk = _Talk(messages[0].created_at) if messages else None
    if talk is None:
        return []
    coming = [each for each in results if each.result.kind in ("event", "operator") or is_decision(each)]
    users = {message.id for message in messages if message.sender is Sender.USER}
    for message in messages:
        unasked = message.sender is Sender.BOT and message.in_reply_to not in users
        while coming and (
            coming[0].created_at < message.created_at
            or (unasked and coming[0].created_at == message.created_at)
        ):
            talk.happened(coming.pop(0))
        if message.sender is Sender.BOT:
            talk.replied(message, unasked=unasked)
        else:
            talk.said(message)
    for left in coming:
        talk.happened(left)
    return talk.lines


class _Talk:
    """`_clock` is what a test that plays these lines has for the time: what was not told has not passed."""

    def __init__(self, begin: datetime) -> None:
        self.lines: list[dict[str, Any]] = []
        self._clock = begin
        self._moved: datetime | None = None

    def said(self, message: StoredMessage) -> None:
        """The person or an operator says something."""
        self._pass_to(message.created_at, WORTH_TELLING)
        said = _with_files(message) if message.attachments else message.content
        self.lines.append({"operator" if message.sender is Sender.AGENT else "user": said})
        self._moved = None

    def happened(self, stored: StoredResult) -> None:
        self._pass_to(stored.created_at, WORTH_TELLING)
        told = stored.result
        self.lines.append({"event": _event(told)} if told.kind == "event" else {"operator": _deed(told)})
        self._moved = stored.created_at

    def replied(self, message: StoredMessage, *, unasked: bool) -> None:
        """The bot says something: to what came just before, or else because its time had come."""
        if unasked and (self._moved is None or message.created_at - self._moved > _AT_ONCE):
            self._pass_to(message.created_at, timedelta(seconds=1))
            self._moved = message.created_at
        said = read(message.content, message.content_type.value)
        self.lines.append({"bot": said.text})
        if said.labels:
            self.lines.append({"choices": list(said.labels)})

    def _pass_to(self, now: datetime, least: timedelta) -> None:
        silence = now - self._clock
        if silence >= least:
            # Never more than it was, or a timer could go off that did not.
            exact = timedelta(minutes=1) if silence >= WORTH_TELLING else timedelta(seconds=1)
            passed = silence // exact * exact
            self.lines.append({"later": _exactly(passed)})
            self._clock += passed


def duration_told(silence: timedelta) -> str:
    """How long it was, in the largest unit that fits."""
    seconds = silence.total_seconds()
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length)
    return _counted(round(seconds / length), unit)


def _exactly(silence: timedelta) -> str:
    """How long it was, in the largest unit of which it is a whole number."""
    seconds = round(silence.total_seconds())
    unit, length = next((unit, length) for unit, length in _UNITS if seconds % length == 0)
    return _counted(seconds // length, unit)


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _event(event: Result) -> Any:
    if event.value is None:
        return event.name
    return {event.name: HIDDEN if event.sensitive else decode(event.value)}


def _deed(told: Result) -> dict[str, str]:
    """What an operator decided, or that they gave the conversation back or closed it."""
    done = told.value if isinstance(told.value, dict) else {}
    by = str(done.get("by")).removeprefix(OPERATOR)
    if told.kind == "operator":
        return {told.name: by}
    if done.get("status") == "approved":
        return {"approve": by}
    reason = done.get("reason")
    return {"reject": by} if reason is None else {"reject": by, "because": str(reason)}


def _with_files(message: StoredMessage) -> dict[str, Any]:
    files = [{"file": file.name, "type": file.type, "size": file.size} for file in message.attachments]
    sent: dict[str, Any] = files[0] if len(files) == 1 else {"files": files}
    return {**sent, "text": message.content} if message.content else sent
