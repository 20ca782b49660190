"""What a turn offers to the verb that waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from storage.records import UploadedFile


@dataclass(frozen=True, slots=True)
class Typed:
    """What the person wrote, and the files that came with it; files may come without a word."""

    text: str
    files: tuple[UploadedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button of the pending ask; `mark` tells which."""

    mark: str


@dataclass(frozen=True, slots=True)
class Puzzled:
    """The person asked for help."""


@dataclass(frozen=True, slots=True)
class TimeUp:
    """A timer of the pending verb went off: `due`, or `remind` before that."""

    role: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """The person who had the session, `by` name, gave it back."""

    by: str


Input: TypeAlias = Typed | Pressed | Puzzled | TimeUp | HandedBack
