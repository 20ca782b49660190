"""How often Slack may be called: so many calls of a method for a workspace in any minute, counted in this process.

https://docs.slack.dev/apis/web-api/rate-limits: limits hold for method, app and workspace, and "per minute" is
taken here as any sixty seconds. Where several processes call, each counts for itself, and Slack's 429 tells them.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

_MOST_LANES = 10_000
_MOST_PLACES = 50_000


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many calls in any so many seconds."""

    calls: int
    seconds: float


_TIERS = {1: Limit(1, 60), 2: Limit(20, 60), 3: Limit(50, 60), 4: Limit(100, 60)}
# "About one message a second in a channel", for which short bursts are allowed: two, so that the third, two seconds
# later, is still waited for (calling.LONGEST_SLEEP_S).
ROOM_LIMIT = Limit(2, 2)
_SPECIAL = {
    "chat.postMessage": ROOM_LIMIT,
    "assistant.threads.setStatus": Limit(600, 60),
}
_TIER_OF = {
    "agents.sessions.setStatus": 3,
    "assistant.threads.setSuggestedPrompts": 4,
    "assistant.threads.setTitle": 4,
    "chat.appendStream": 4,
    "chat.delete": 3,
    "chat.startStream": 2,
    "chat.stopStream": 2,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.info": 4,
    "users.info": 4,
    "views.publish": 4,
}


def limit_of(method: str) -> Limit:
    """The limit of a method, which is each channel's for posting; an unknown one is taken for a slow one."""
    return _SPECIAL.get(method) or _TIERS[_TIER_OF.get(method, 2)]


@dataclass(slots=True)
class _Lane:
    """`used` are the last calls, `promised` the last places given out, both with the oldest first."""

    limit: Limit
    used: deque[float] = field(default_factory=deque)
    promised: deque[float] = field(default_factory=deque)
    blocked_until: float = float("-inf")

    def free_at(self, now: float) -> float:
        """When a call may be made, as far as calls made and blocks go."""
        full = len(self.used) == self.limit.calls
        return max(now, self.blocked_until, self.used[0] + self.limit.seconds if full else now)

    def next_place(self, now: float) -> float:
        """When one may be made that goes behind all who were promised a place."""
        place = self.free_at(now)
        if self.promised:
            place = max(place, self.promised[-1])
        if len(self.promised) == self.limit.calls:
            place = max(place, self.promised[0] + self.limit.seconds)
        return place


class Pacer:
    """Says who may call when. A lane is whatever has a limit of its own.

    Whoever must wait keeps a place by its ticket, and comes again with it: nobody overtakes, and those who wait
    need not come more than once. Places and lanes are bounded; the least recently used are forgotten.
    `now` is a clock in seconds that only goes forward, `jitter` adds to what Slack tells to wait.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        most_lanes: int = _MOST_LANES,
        most_places: int = _MOST_PLACES,
    ) -> None:
        self._now = now
        self._jitter = jitter
        self._most_lanes = most_lanes
        self._most_places = most_places
        self._lanes: OrderedDict[Hashable, _Lane] = OrderedDict()
        self._places: OrderedDict[tuple[Hashable, Hashable], float] = OrderedDict()

    def wait_s(self, lane_key: Hashable, limit: Limit, ticket: Hashable, *, hold_s: float) -> float:
        """0.0: call now, this is counted. Else the seconds to wait, and come again with the same ticket.

        A place further away than `hold_s` is not kept.
        """
        now = self._now()
        lane = self._lane(lane_key, limit)
        place = self._places.get((lane_key, ticket))
        if place is not None:
            place = max(place, lane.blocked_until)
            # A place that has come is worth nothing while others, who came too late for theirs, fill the window.
            place = lane.free_at(now) if place <= now else place
        else:
            place = lane.next_place(now)
            if place <= now or place - now <= hold_s:
                _push(lane.promised, place, limit)
        if place <= now:
            self._places.pop((lane_key, ticket), None)
            _push(lane.used, now, limit)
            return 0.0
        if place - now <= hold_s:
            self._places[lane_key, ticket] = place
            while len(self._places) > self._most_places:
                self._places.popitem(last=False)
        else:
            self._places.pop((lane_key, ticket), None)
        return place - now

    def block(self, lane_key: Hashable, limit: Limit, seconds: float) -> float:
        """Slack said to wait so long: nobody calls before; returns the seconds with some jitter."""
        wait = seconds + self._jitter()
        lane = self._lane(lane_key, limit)
        lane.blocked_until = max(lane.blocked_until, self._now() + wait)
        return wait

    def blocked_s(self, lane_key: Hashable) -> float:
        """For how many seconds a lane is blocked yet."""
        lane = self._lanes.get(lane_key)
        return 0.0 if lane is None else max(0.0, lane.blocked_until - self._now())

    def __len__(self) -> int:
        return len(self._lanes) + len(self._places)

    def _lane(self, key: Hashable, limit: Limit) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(limit)
            while len(self._lanes) > self._most_lanes:
                self._lanes.popitem(last=False)
        self._lanes.move_to_end(key)
        return lane


def _push(times: deque[float], moment: float, limit: Limit) -> None:
    times.append(moment)
    if len(times) > limit.calls:
        times.popleft()
