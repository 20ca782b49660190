"""What a type of answer is: a named check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from storage.records import UploadedFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Validator(Generic[T]):
    """A named check. `takes` is that of a file, where files are answers; it raises Rejected like `check`.

    `free_text`: any text is fine. `own`: the author's function, of which nobody knows what text it takes.
    `options` are what it takes, for the person to see.
    """

    label: str
    check: Callable[[str], T]
    free_text: bool = False
    takes: Callable[[UploadedFile], T] | None = None
    own: bool = False
    options: tuple[str, ...] = ()

    def __call__(self, text: str) -> T:
        return self.check(text)
