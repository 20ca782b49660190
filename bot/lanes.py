"""Lanes: at most one task a session in this process, many sessions side by side, a bounded number in all."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias
from uuid import UUID

Lane: TypeAlias = tuple[UUID, UUID]
Work: TypeAlias = Coroutine[Any, Any, None]

MOST_WAITING = 10_000


class Lanes:
    """Runs `work(tenant_id, session_id)` for each woken session; a wake-up during its run runs it once more."""

    def __init__(self, work: Callable[[UUID, UUID], Work], *, limit: int) -> None:
        self._work = work
        self._limit = limit
        self._running: dict[Lane, asyncio.Task[None]] = {}
        self._again: set[Lane] = set()
        self._following: defaultdict[Lane, deque[Work]] = defaultdict(deque)
        self._waiting: dict[Lane, None] = {}
        self._reserved = 0
        self._closed = False

    @property
    def is_closed(self) -> bool:
        """Whether draining has begun."""
        return self._closed

    @property
    def has_room(self) -> bool:
        """Whether a further session can be worked on now."""
        return len(self._running) + self._reserved < self._limit and not self._closed

    def reserve(self) -> bool:
        """Keep a place for work that is about to be claimed, if there is room; `release` gives it back."""
        if not self.has_room:
            return False
        self._reserved += 1
        return True

    def release(self) -> None:
        """Give a reserved place back, just before `start` or because nothing came of it."""
        self._reserved -= 1
        self._start_waiting()

    def wake(self, tenant_id: UUID, session_id: UUID) -> None:
        """Work on the session, when there is room; of too many that wait, polling finds the rest."""
        lane = (tenant_id, session_id)
        if lane in self._running:
            self._again.add(lane)
        elif self.has_room:
            self.start(lane, self._work(tenant_id, session_id))
        elif len(self._waiting) < MOST_WAITING:
            self._waiting[lane] = None

    def start(self, lane: Lane, work: Work) -> None:
        """Run `work` in the lane, behind what runs there: it holds a claim already, so it is never refused."""
        if lane in self._running:
            self._following[lane].append(work)
        else:
            self._running[lane] = asyncio.create_task(self._run(lane, work))

    async def settle(self) -> None:
        """Wait until nothing runs."""
        while self._running:
            await asyncio.wait(set(self._running.values()))

    async def drain(self, within_s: float) -> None:
        """Take nothing new; wait for what runs, then cancel what is left."""
        self._closed = True
        tasks = set(self._running.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=within_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2)

    async def _run(self, lane: Lane, work: Work) -> None:
        try:
            await work
            while True:
                if self._following[lane]:
                    await self._following[lane].popleft()
                elif lane in self._again and not self._closed:
                    self._again.discard(lane)
                    await self._work(*lane)
                else:
                    return
        finally:
            self._again.discard(lane)
            for left in self._following.pop(lane, ()):
                left.close()
            del self._running[lane]
            self._start_waiting()

    def _start_waiting(self) -> None:
        while self._waiting and self.has_room:
            lane = next(iter(self._waiting))
            del self._waiting[lane]
            self.wake(*lane)
