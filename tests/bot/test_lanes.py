from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID, uuid4

from bot.lanes import Lanes

TENANT = uuid4()


class Work:
    """Counts what runs; each run waits until it is let go."""

    def __init__(self) -> None:
        self.done: list[UUID] = []
        self.together = 0
        self.most = 0
        self.running: Counter[UUID] = Counter()
        self.go = asyncio.Event()

    async def __call__(self, _: UUID, session_id: UUID) -> None:
        self.running[session_id] += 1
        self.together += 1
        self.most = max(self.most, self.together)
        assert self.running[session_id] == 1, "two at once in one session"
        await self.go.wait()
        self.running[session_id] -= 1
        self.together -= 1
        self.done.append(session_id)


async def test_what_finds_no_room_runs_as_soon_as_there_is_some_and_never_more_than_allowed():
    work, sessions = Work(), [uuid4() for _ in range(50)]
    lanes = Lanes(work, limit=4)
    for session_id in sessions:
        lanes.wake(TENANT, session_id)
        lanes.wake(TENANT, session_id)
    await asyncio.sleep(0)
    work.go.set()
    await lanes.settle()
    assert set(work.done) == set(sessions)
    assert work.most == 4


async def test_a_wake_up_during_a_run_runs_the_session_once_more():
    work, session_id = Work(), uuid4()
    lanes = Lanes(work, limit=4)
    for _ in range(3):
        lanes.wake(TENANT, session_id)
        await asyncio.sleep(0)
    work.go.set()
    await lanes.settle()
    assert work.done == [session_id, session_id]


async def test_reserved_places_count_and_come_back():
    lanes = Lanes(Work(), limit=2)
    assert lanes.reserve()
    assert lanes.reserve()
    assert not lanes.reserve()
    lanes.release()
    assert lanes.reserve()


async def test_a_claimed_turn_runs_behind_what_still_runs_in_its_lane():
    work, session_id = Work(), uuid4()
    lanes = Lanes(work, limit=2)
    lanes.wake(TENANT, session_id)
    lanes.start((TENANT, session_id), work(TENANT, session_id))
    await asyncio.sleep(0)
    work.go.set()
    await lanes.settle()
    assert work.done == [session_id, session_id]


async def test_draining_takes_nothing_new_and_cancels_what_does_not_end():
    work = Work()
    lanes = Lanes(work, limit=1)
    first, second = uuid4(), uuid4()
    lanes.wake(TENANT, first)
    lanes.wake(TENANT, second)
    await lanes.drain(0.01)
    assert work.done == []
    assert work.running[second] == 0
