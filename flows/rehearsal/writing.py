"""Write a conversation test from what was said in a session."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import yaml

from flows.rehearsal.recording import lines_of_talk
from flows.values import decode
from storage.outcomes import Result, StoredResult
from storage.records import StoredMessage


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
    test["talk"] = lines_of_talk(messages, results)
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
