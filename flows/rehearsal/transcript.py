"""What a test came to, line by line, with what differed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from flows.rehearsal.script import Script


class Mark(StrEnum):
    """How a line of the transcript compares: as expected, expected but not there, there but not expected, wrong."""

    SAME = " "
    MISSING = "-"
    EXTRA = "+"
    WRONG = "!"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `at` is where in the test's file its expectation stands, where it has one."""

    mark: Mark
    text: str
    at: int | None = None


@dataclass(slots=True)
class Transcript:
    """How a conversation went."""

    lines: list[Line] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return any(line.mark is not Mark.SAME for line in self.lines)

    def same(self, text: str) -> None:
        self.lines.append(Line(Mark.SAME, text))

    def missing(self, text: str, at: int | None = None) -> None:
        self.lines.append(Line(Mark.MISSING, text, at))

    def unexpected(self, text: str) -> None:
        self.lines.append(Line(Mark.EXTRA, text))

    def wrong(self, text: str, at: int | None = None) -> None:
        self.lines.append(Line(Mark.WRONG, text, at))

    def compare(self, what: str, expected: object, found: object, at: int | None = None) -> None:
        """Two things that should be equal; nothing is said when they are."""
        if expected != found:
            self.wrong(f"{what}: expected {_shown(expected)}, found {_shown(found)}", at)


@dataclass(slots=True, kw_only=True)
class Played(Transcript):
    """How a test went."""

    script: Script
    milliseconds: float = 0.0


def told(played: Played) -> Iterable[str]:
    """A test that differs, for a person to read."""
    yield f"✗ {played.script.name} ({played.script.path}:{played.script.line})"
    yield from lines_of(played)


def lines_of(transcript: Transcript) -> Iterable[str]:
    """What was said, with what differed, for a person to read."""
    for line in transcript.lines:
        first, *more = line.text.split("\n")
        place = "" if line.at is None else f"   (line {line.at})"
        yield f"  {line.mark} {first}{place}"
        yield from (f"  {line.mark}      {each}" for each in more)


def _shown(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case list() | tuple():
            return ", ".join(str(each) for each in value) or "none"
        case _:
            return str(value)
