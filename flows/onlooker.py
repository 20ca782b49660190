"""Somebody who looks on while flows run: a rehearsal, a check. In a real conversation there is nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from flows.record import Status


class Known(NamedTuple):
    """How a verb ended, and its value as the record has values."""

    status: Status
    value: Any


class Onlooker(Protocol):
    """Told of every verb before it does anything, and may stand in for what a flow calls."""

    def met(self, verb: str, *, live: bool) -> None:
        """A flow came to a verb; not `live` while it only replays what is on record."""

    def stand_in(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """What is called in place of a function; the function itself for a real call."""

    def recall(self, flow: str, kind: str, path: str, digest: str) -> Known | None:
        """What a verb came to some other time, in place of doing it; None where that is not known."""
