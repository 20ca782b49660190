"""What a type of answer is: a named check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from storage.records import UploadedFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Validator(Generic[T]):
    """A named check. `takes` is that of a file, where files are answers; it raises Rejected like `check`."""

    label: str
    check: Callable[[str], T]
    free_text: bool = False
    takes: Callable[[UploadedFile], T] | None = None

    def __call__(self, text: str) -> T:
        return self.check(text)
