"""Write a conversation test from what was said in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import yaml

from flows.record import Damaged, Frame, Status, read_frames
from flows.rehearsal.conversation import read
from flows.values import decode
from storage.records import Sender, State, StoredMessage

# A shorter silence changes nothing that a flow could notice.
_WORTH_TELLING = timedelta(minutes=5)
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Plain YAML with `!decimal` and `!uuid`, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar("!decimal", str(value)))
_Dumper.add_representer(UUID, lambda dumper, value: dumper.represent_scalar("!uuid", str(value)))


def write(name: str, messages: Sequence[StoredMessage], calls: Mapping[str, Sequence[Any]]) -> str:
    """The YAML of a test: what was said in order, and the answers of calls as far as they are known."""
    now = messages[0].created_at if messages else None
    test: dict[str, Any] = {"name": name}
    if now is not None:
        test["now"] = f"{now:%Y-%m-%d %H:%M}"
    if calls:
        test["given"] = {"calls": {call: _answers(given) for call, given in calls.items()}}
    test["talk"] = _talk(messages)
    written: str = yaml.dump(
        test, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return written


def calls_on_record(state: State | None) -> dict[str, list[Any]]:
    """The results of calls that a running conversation still has on record; none of a sensitive flow's."""
    try:
        frames = [] if state is None or state.damage else read_frames(state.data)
    except Damaged:
        return {}
    found: dict[str, list[Any]] = {}
    for frame in frames:
        for name, result in _calls_of(frame):
            found.setdefault(name, []).append(result)
    return found


def _calls_of(frame: Frame) -> list[tuple[str, Any]]:
    if frame.sensitive:
        return []
    rows = {**frame.carried, **frame.rows}.values()
    calls = sorted((row for row in rows if row.kind == "call"), key=lambda row: row.ordinal)
    return [
        (row.key.partition("#")[0], _result(row.status, row.value))
        for row in calls
        if row.status in (Status.OK, Status.FAILED)
    ]


def _result(status: Status, value: Any) -> Any:
    if status is Status.FAILED:
        kind, message = value
        return {"error": kind, "message": message}
    decoded = decode(value)
    # What would be read as something else is told apart.
    return {"value": decoded} if isinstance(decoded, dict) else decoded


def _answers(given: Sequence[Any]) -> Any:
    return given[0] if len(given) == 1 else {"in_turn": list(given)}


def _talk(messages: Sequence[StoredMessage]) -> list[dict[str, Any]]:
    talk: list[dict[str, Any]] = []
    before: datetime | None = None
    for message in messages:
        if message.sender is Sender.USER:
            silence = timedelta() if before is None else message.created_at - before
            if silence >= _WORTH_TELLING:
                talk.append({"later": _told(silence)})
            talk.append({"user": message.content})
        elif message.sender is Sender.BOT:
            said = read(message.content, message.content_type.value)
            talk.append({"bot": said.text})
            if said.labels:
                talk.append({"choices": list(said.labels)})
        before = message.created_at
    return talk


def _told(silence: timedelta) -> str:
    seconds = silence.total_seconds()
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length)
    count = round(seconds / length)
    return f"{count} {unit}{'' if count == 1 else 's'}"
