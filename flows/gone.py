"""The stand-in for an ephemeral value that has expired.

While a run only replays what the person has heard, it behaves like an empty value, so that the code runs
on to where it waits. Used live it asks for the value again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn


class Gone:
    """An expired value. `use` leaves the run when it is live, and does nothing in replay."""

    __slots__ = ("_use",)

    def __init__(self, use: Callable[[], None]) -> None:
        object.__setattr__(self, "_use", use)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(name)

    def touch(self) -> None:
        self._use()

    def __str__(self) -> str:
        self._use()
        return ""

    def __repr__(self) -> str:
        return "Gone"

    def __format__(self, spec: str) -> str:
        self._use()
        return ""

    def __bool__(self) -> bool:
        self._use()
        return False

    def __eq__(self, other: object) -> bool:
        self._use()
        return other is self

    def __hash__(self) -> int:
        self._use()
        return 0

    def __len__(self) -> int:
        self._use()
        return 0

    def __iter__(self) -> Iterator[Any]:
        self._use()
        return iter(())

    def __int__(self) -> int:
        self._use()
        return 0

    __index__ = __int__

    def __float__(self) -> float:
        self._use()
        return 0.0

    def _same(self, *arguments: Any, **named: Any) -> Gone:
        self._use()
        return self

    def _never(self, other: Any) -> bool:
        self._use()
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _same
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _same
    __neg__ = __abs__ = __call__ = __getitem__ = _same
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _never

    def __getattr__(self, name: str) -> Gone:
        if name.startswith("__"):
            raise AttributeError(name)
        self._use()
        return self
