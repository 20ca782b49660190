"""Write a conversation test from what was said in a session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import yaml

from flows.rehearsal.conversation import read
from flows.values import decode
from storage.outcomes import Result, StoredResult
from storage.records import Sender, StoredMessage

# A shorter silence changes nothing that a flow could notice.
WORTH_TELLING = timedelta(minutes=5)
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Plain YAML with `!decimal` and `!uuid`, lists indented below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(Decimal, lambda dumper, value: dumper.represent_scalar("!decimal", str(value)))
_Dumper.add_representer(UUID, lambda dumper, value: dumper.represent_scalar("!uuid", str(value)))


def write(name: str, messages: Sequence[StoredMessage], results: Sequence[StoredResult]) -> str:
    """The YAML of a test: what was said and what happened in order, and what calls answered, as far as it is known."""
    now = messages[0].created_at if messages else None
    test: dict[str, Any] = {"name": name}
    if now is not None:
        test["now"] = f"{now:%Y-%m-%d %H:%M}"
    if calls := _calls(results):
        test["given"] = {"calls": {call: _answers(given) for call, given in calls.items()}}
    test["talk"] = _talk(messages, [each for each in results if each.result.kind == "event"])
    written: str = yaml.dump(
        test, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return written


def _calls(results: Sequence[StoredResult]) -> dict[str, list[Any]]:
    """The answers of calls by name, in the order in which they came; none of a sensitive flow's."""
    found: dict[str, list[Any]] = {}
    for each in results:
        if each.result.kind == "call" and not each.result.sensitive:
            found.setdefault(each.result.name, []).append(_answer(each.result))
    return found


def _answer(result: Result) -> Any:
    if result.status == "failed" and isinstance(result.value, list):
        kind, message = result.value
        return {"error": kind, "message": message}
    decoded = decode(result.value)
    # What would be read as something else is told apart.
    return {"value": decoded} if isinstance(decoded, dict) else decoded


def _answers(given: Sequence[Any]) -> Any:
    return given[0] if len(given) == 1 else {"in_turn": list(given)}


def _talk(messages: Sequence[StoredMessage], events: Sequence[StoredResult]) -> list[dict[str, Any]]:
    talk: list[dict[str, Any]] = []
    before: datetime | None = None
    coming = list(events)
    for message in messages:
        while coming and coming[0].created_at <= message.created_at:
            event = coming.pop(0)
            talk += [*_silence(before, event.created_at), {"event": _event(event.result)}]
            before = event.created_at
        if message.sender is Sender.USER:
            talk += _silence(before, message.created_at)
            talk.append({"user": _with_files(message) if message.attachments else message.content})
        elif message.sender is Sender.BOT:
            said = read(message.content, message.content_type.value)
            talk.append({"bot": said.text})
            if said.labels:
                talk.append({"choices": list(said.labels)})
        before = message.created_at
    return talk


def _silence(before: datetime | None, now: datetime) -> list[dict[str, Any]]:
    silence = timedelta() if before is None else now - before
    return [{"later": duration_told(silence)}] if silence >= WORTH_TELLING else []


def _event(event: Result) -> Any:
    if event.value is None:
        return event.name
    return {event.name: "[sensitive]" if event.sensitive else decode(event.value)}


def _with_files(message: StoredMessage) -> dict[str, Any]:
    files = [{"file": file.name, "type": file.type, "size": file.size} for file in message.attachments]
    sent: dict[str, Any] = files[0] if len(files) == 1 else {"files": files}
    return {**sent, "text": message.content} if message.content else sent


def duration_told(silence: timedelta) -> str:
    """How long it was, in the largest unit that fits."""
    seconds = silence.total_seconds()
    unit, length = next((unit, length) for unit, length in _UNITS if seconds >= length)
    count = round(seconds / length)
    return f"{count} {unit}{'' if count == 1 else 's'}"
