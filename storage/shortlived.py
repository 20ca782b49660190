"""What a process may remember of the database for a short while, so many things and no more."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class ShortLived(Generic[K, V]):
    """Values by key, each for `life` seconds, at most `capacity` of them; the least recently used goes first.

    A value is kept under the `generation` at which it began to be read: one read before a `forget` and kept
    after it would bring back what was just invalidated, so it is not kept.
    """

    __slots__ = ("_capacity", "_life", "_now", "_values", "generation")

    def __init__(self, *, life: float, capacity: int, now: Callable[[], float] = time.monotonic) -> None:
        self._life = life
        self._capacity = capacity
        self._now = now
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self.generation = 0

    def get(self, key: K) -> V | None:
        """The value, unless it is too old or was never kept."""
        kept = self._values.get(key)
        if kept is None:
            return None
        if kept[0] <= self._now():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return kept[1]

    def keep(self, key: K, value: V, generation: int, *, life: float | None = None) -> None:
        """Remember `value`, unless something was forgotten since `generation`."""
        if generation != self.generation:
            return
        self._values[key] = (self._now() + (self._life if life is None else life), value)
        self._values.move_to_end(key)
        while len(self._values) > self._capacity:
            self._values.popitem(last=False)

    def forget(self, key: K) -> None:
        """Drop one value, also one that is being read now."""
        self.generation += 1
        self._values.pop(key, None)

    def clear(self) -> None:
        """Drop every value, also those being read now."""
        self.generation += 1
        self._values.clear()

    def __len__(self) -> int:
        return len(self._values)
