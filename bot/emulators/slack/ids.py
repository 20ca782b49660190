"""Ids, timestamps and secrets in Slack's forms."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from hashlib import sha256

Clock = Callable[[], float]
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Ids:
    """Makes ids. What is set up (workspaces, users, channels) has the same ids and secrets in every run, so that
    an app which remembers them finds them again; what happens has new ones, so that it is not taken for a repeat.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._counted: Counter[str] = Counter()

    def ts(self) -> str:
        """A message's timestamp, the time in microseconds; each is later than all before."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def lasting(self, prefix: str) -> str:
        """The next id of a kind, the same in every run."""
        self._counted[prefix] += 1
        return f"{prefix}0EMU{self._counted[prefix]:05}"

    def passing(self, prefix: str) -> str:
        """An id that no run has twice."""
        return prefix + "0" + "".join(secrets.choice(_DIGITS) for _ in range(9))

    def trigger(self) -> str:
        return f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"


def lasting_secret(kind: str, *of: str) -> str:
    """A secret that is the same in every run: nothing here needs guarding."""
    return sha256("/".join(("parley", kind, *of)).encode()).hexdigest()[:32]


def digest(*of: str) -> str:
    """Nine digits and letters that stand for these values."""
    number = int.from_bytes(sha256("/".join(of).encode()).digest()[:8])
    return "".join(_DIGITS[number // 36**place % 36] for place in range(9))
