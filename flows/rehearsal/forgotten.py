"""What was called without `await`: Python tells it by a warning only, when it throws the call away."""

from __future__ import annotations

import gc
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

UNAWAITED = "it was never awaited, so it did nothing: write `await` in front of it"
_WARNING = re.compile(r"coroutine '(?P<name>.+)' was never awaited")
_PLACE = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """An async function that was called and never awaited; `place` is `file:line` of the call."""

    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.place}: {self.name}: {UNAWAITED}"


@contextmanager
def forgotten() -> Iterator[list[Forgotten]]:
    """Fills the list, when left, with what was forgotten meanwhile; one at a time in a process."""
    found: list[Forgotten] = []
    depth = sys.get_coroutine_origin_tracking_depth()
    sys.set_coroutine_origin_tracking_depth(1)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                yield found
            finally:
                # What hangs in a circle, as a frame and its exception do, is thrown away now; it is young.
                gc.collect(1)
    finally:
        sys.set_coroutine_origin_tracking_depth(depth)
    for each in told:
        name, place = _WARNING.match(str(each.message)), _PLACE.search(str(each.message))
        if name is None:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif (one := Forgotten(_shown(place, each), name["name"].rpartition(".")[2])) not in found:
            found.append(one)


def _shown(place: re.Match[str] | None, told: warnings.WarningMessage) -> str:
    return f"{told.filename}:{told.lineno}" if place is None else f"{place['file']}:{place['line']}"
