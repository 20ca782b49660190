"""Read conversation tests from YAML: each document of a file is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, cast

from flows.rehearsal.givens import read_given
from flows.rehearsal.reading_files import sent
from flows.rehearsal.script import (
    NOON,
    Act,
    Called,
    Choices,
    Expectation,
    Given,
    Happening,
    Operating,
    Pressing,
    Reached,
    Reply,
    Script,
    Standing,
    Texted,
    Typing,
    Waiting,
)
from flows.rehearsal.yaml_nodes import Node, documents, parse

_DURATION = re.compile(r"(\d+) (second|minute|hour|day|week)s?")


def read_file(path: Path) -> list[Script]:
    """The tests of a file. Raises ScriptMistake."""
    return [_script(document) for document in documents(path)]


def read_text(text: str, path: Path) -> list[Script]:
    """The tests in a text that belongs to a file. Raises ScriptMistake."""
    return [_script(document) for document in parse(text, path)]


def _script(document: Node) -> Script:
    parts = document.keys("name", "now", "given", "talk", what="a test")
    for needed in ("name", "talk"):
        if needed not in parts:
            raise document.wrong(f"a test needs a `{needed}:`")
    return Script(
        path=document.path,
        line=document.line,
        name=parts["name"].text("a name"),
        now=_moment(parts["now"]) if "now" in parts else NOON,
        given=read_given(parts["given"]) if "given" in parts else Given(),
        talk=_talk(parts["talk"]),
    )


def _talk(node: Node) -> tuple[Act | Expectation, ...]:
    lines = [_line(item) for item in node.items("`talk:`")]
    if not lines:
        raise node.wrong("nothing is said in this test: begin with `- user: …`")
    if not isinstance(lines[0], Act):
        raise node.wrong("before anything is expected somebody must do something: begin with `- user: …`")
    return tuple(lines)


def _line(node: Node) -> Act | Expectation:
    entry = node.keys(*_LINES, what="a line of the talk")
    if len(entry) != 1:
        raise node.wrong(f"a line of the talk is one of {', '.join(_LINES)}")
    [(key, value)] = entry.items()
    return _LINES[key](value)


def _texted(node: Node) -> Texted:
    if not node.is_mapping:
        return Texted("exact", node.text("a reply"))
    found = node.keys("exact", "contains", "pattern", what="a reply")
    if len(found) != 1:
        raise node.wrong("a reply is a text, or one of exact, contains, pattern")
    [(how, text)] = found.items()
    if how == "pattern":
        try:
            re.compile(text.text("a pattern"))
        except re.error as error:
            raise text.wrong(f"this pattern is not valid: {error}") from None
    return Texted(cast("Literal['exact', 'contains', 'pattern']", how), text.text("a reply"))


def _standing(node: Node) -> Standing:
    found = node.keys("flow", "waiting", what="a state")
    values = {key: None if each.is_nothing else each.text(key) for key, each in found.items()}
    return Standing(node.line, frozenset(found), values.get("flow"), values.get("waiting"))


def _called(node: Node) -> Called:
    calls: list[tuple[str, tuple[Any, ...] | None]] = []
    for item in node.items("`calls:`"):
        if not item.is_mapping:
            calls.append((item.text("a call"), None))
            continue
        for name, arguments in item.pairs("a call"):
            if not arguments.is_list:
                called = name.text("a call")
                raise arguments.wrong(
                    f"a call's arguments are a list: write `{called}: [2]`, `{called}: []` where there are none, "
                    f"or `{called}` alone whatever they are"
                )
            listed = arguments.items("a call's arguments")
            calls.append((name.text("a call"), tuple(each.value() for each in listed)))
    return Called(node.line, tuple(calls))


def _waiting(node: Node) -> Waiting:
    told = node.text("a time")
    found = _DURATION.fullmatch(told)
    if found is None:
        raise node.wrong(f"{told!r} is no time: write `3 days`, `2 hours` or `45 minutes`")
    return Waiting(node.line, timedelta(**{found[2] + "s": int(found[1])}), told)


def _happening(node: Node) -> Happening:
    if not node.is_mapping:
        return Happening(node.line, node.text("an event's name"))
    pairs = list(node.pairs("an event"))
    if len(pairs) != 1:
        raise node.wrong("an event is its name, or `name: value`")
    [(name, value)] = pairs
    return Happening(node.line, name.text("an event's name"), value.value())


def _operating(node: Node) -> Operating:
    if not node.is_mapping:
        return Operating(node.line, "reply", text=node.text("what an operator says"))
    found = node.keys("resume", "close", "approve", "reject", "because", what="an operator")
    because = found.pop("because", None)
    if len(found) != 1 or (because is not None and "reject" not in found):
        raise node.wrong(
            "an operator is a text that is said, or one of resume, close, approve and reject with a name, and "
            "because with reject"
        )
    [(action, by)] = found.items()
    why = "" if because is None else because.text("a reason")
    return Operating(node.line, action, by.text("an operator's name"), why)


def _moment(node: Node) -> datetime:
    value = node.value()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise node.wrong(f"{value!r} is no time: write `2026-03-01 12:00`") from None
    if type(value) is date:
        value = datetime.combine(value, time(12))
    if not isinstance(value, datetime):
        raise node.wrong("write a time such as `2026-03-01 12:00`; it is UTC")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_LINES: dict[str, Callable[[Node], Act | Expectation]] = {
    "user": lambda node: sent(node) if node.is_mapping else Typing(node.line, node.text("what is typed")),
    "press": lambda node: Pressing(node.line, node.text("a button's label")),
    "later": _waiting,
    "event": _happening,
    "operator": _operating,
    "bot": lambda node: Reply(node.line, None if node.is_nothing else _texted(node)),
    "choices": lambda node: Choices(
        node.line, tuple(item.text("a choice") for item in node.items("`choices:`"))
    ),
    "state": _standing,
    "calls": _called,
    "flow": lambda node: Reached(node.line, node.text("a flow's name")),
}
