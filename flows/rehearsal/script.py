"""A conversation test as it was written: what is given, what the person does, what is expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from flows.errors import FlowMistake
from flows.llm.contract import Event, ModelError
from storage.knowledge import Passage
from storage.records import UploadedFile

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class ScriptMistake(FlowMistake):
    """A conversation test that cannot be read; the message is `file:line: what to change`."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A call gives this value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """A call fails for good; `kind` and `message` are those of its CallFailed."""

    kind: str
    message: str = ""


Answer: TypeAlias = Returned | Raised


@dataclass(frozen=True, slots=True)
class Given:
    """What is outside. `calls`: the answers by the call's name, the last of them for ever; `run`: calls really made.

    `model`: what the model says to each request, None where there is no model. `alike`: which flows a text is
    alike to, and how much (0 to 1), where no model routes. `otp`: why no code can be sent.
    """

    calls: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    run: frozenset[str] = frozenset()
    model: tuple[tuple[Event | ModelError, ...], ...] | None = None
    documents: tuple[Passage, ...] = ()
    alike: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    otp: str | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    locale: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Texted:
    """What a text must be: `exact`, `contains` or `pattern`."""

    how: Literal["exact", "contains", "pattern"]
    text: str

    def fits(self, text: str) -> bool:
        match self.how:
            case "exact":
                return text == self.text
            case "contains":
                return self.text in text
            case "pattern":
                return re.search(self.text, text, re.DOTALL) is not None

    def __str__(self) -> str:
        return self.text if self.how == "exact" else f"… {self.how} {self.text!r}"


@dataclass(frozen=True, slots=True)
class Typing:
    """The person types a text."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Sending:
    """The person sends files, perhaps with a text. They get their ids when they are sent."""

    line: int
    files: tuple[UploadedFile, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pressing:
    """The person presses the button with this label, the latest one that was shown."""

    line: int
    label: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Time passes."""

    line: int
    duration: timedelta
    told: str


@dataclass(frozen=True, slots=True)
class Happening:
    """An event is sent to the session from elsewhere."""

    line: int
    name: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Operating:
    """An operator acts: `action` is `reply` (with `text`), `resume`, `close`, `approve` or `reject` (`text` is why)."""

    line: int
    action: str
    by: str = "operator"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The bot's next reply; `expected` None: it says nothing (more)."""

    line: int
    expected: Texted | None


@dataclass(frozen=True, slots=True)
class Choices:
    """The labels of the buttons of the reply before."""

    line: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the session stands: `flow` and the ask that is `waiting`, of those in `checked`."""

    line: int
    checked: frozenset[str]
    flow: str | None = None
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """The calls made since the person did something; `arguments` None: whatever they were."""

    line: int
    calls: tuple[tuple[str, tuple[Any, ...] | None], ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """A flow that was talking since the person did something."""

    line: int
    flow: str


Act: TypeAlias = Typing | Sending | Pressing | Waiting | Happening | Operating
Expectation: TypeAlias = Reply | Choices | Standing | Called | Reached


@dataclass(frozen=True, slots=True)
class Script:
    """One test: `talk` is what is done and expected, in order."""

    path: Path
    line: int
    name: str
    now: datetime
    given: Given
    talk: tuple[Act | Expectation, ...]
