"""How often a method may be called: https://docs.slack.dev/apis/web-api/rate-limits"""

from __future__ import annotations

import math
from collections import deque

from bot.emulators.slack.ids import Clock
from bot.emulators.slack.refusals import ratelimited

PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
# "One message a second in a channel, short bursts are tolerated": this many at once.
BURST = 5


class Limits:
    """Counts the calls of each method in each workspace, and the messages in each channel."""

    def __init__(self, clock: Clock, *, enabled: bool) -> None:
        self.enabled = enabled
        self._clock = clock
        self._calls: dict[tuple[str, ...], deque[float]] = {}
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}

    def call(self, tier: int | None, *key: str) -> None:
        """Count a call. Raises Refused where there were too many in the last minute."""
        if not self.enabled or tier is None:
            return
        now = self._clock()
        calls = self._calls.setdefault(key, deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= PER_MINUTE[tier]:
            raise ratelimited(max(1, math.ceil(calls[0] + 60 - now)))
        calls.append(now)

    def message(self, *key: str) -> None:
        """Count a message into a channel. Raises Refused where they come too fast."""
        if not self.enabled:
            return
        now = self._clock()
        left, at = self._buckets.get(key, (float(BURST), now))
        left = min(float(BURST), left + now - at)
        if left < 1:
            self._buckets[key] = left, now
            raise ratelimited(max(1, math.ceil(1 - left)))
        self._buckets[key] = left - 1, now
