"""A process that ends leaves no wake-up behind, and does not wait for a Redis that is away."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.loops import Loops
from storage.bus import Bus
from storage.ids import uuid7


async def test_what_still_waits_is_sent_at_the_end(redis):
    bus = Bus(redis, redis)
    for _ in range(3):
        bus.wake("turns", uuid7(), uuid7())
    await bus.flush()
    assert await redis.llen("parley:wake:turns") == 3
    await bus.flush()
    assert await redis.llen("parley:wake:turns") == 3


@pytest.mark.parametrize("steps", range(12))
async def test_at_whatever_step_of_sending_the_process_ends_the_wake_up_is_sent(redis, steps):
    bus = Bus(redis, redis)
    async with Loops() as loops:
        loops.start(bus.send_waiting())
        await asyncio.sleep(0)
        bus.wake("turns", uuid7(), uuid7())
        for _ in range(steps):
            await asyncio.sleep(0)
    await bus.flush()
    hints = await redis.lrange("parley:wake:turns", 0, -1)
    assert len(hints) >= 1
    assert len(set(hints)) == 1


async def test_a_redis_that_is_away_does_not_hold_the_end_up(no_redis):
    bus = Bus(no_redis, no_redis)
    bus.wake("turns", uuid7(), uuid7())
    before = time.monotonic()
    await bus.flush()
    assert time.monotonic() - before < 3
