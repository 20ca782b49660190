from __future__ import annotations

from uuid import uuid4

import pytest

from bot.limits import MessageLimit
from storage.records import Channel
from storage.redis import connect


@pytest.fixture
async def redis(redis_url):
    client = connect(redis_url)
    yield client
    await client.aclose()


def channel(per_minute: int) -> Channel:
    return Channel(uuid4(), uuid4(), "web", "site", "acme", settings={"messages_per_minute": per_minute})


async def passed(limits: list[MessageLimit], site: Channel, user: str, tries: int) -> int:
    return sum([await limits[n % len(limits)].wait_s(site, user) is None for n in range(tries)])


async def test_a_visitor_may_send_as_much_as_the_channel_allows_and_is_told_when_to_go_on(redis):
    limit, site = MessageLimit(redis), channel(20)
    assert await passed([limit], site, "ada", 25) == 20
    wait_s = await limit.wait_s(site, "ada")
    assert wait_s is not None
    assert 1 <= wait_s <= 60


async def test_one_visitor_does_not_use_up_anothers_allowance(redis):
    limit, site = MessageLimit(redis), channel(8)
    await passed([limit], site, "ada", 20)
    assert await passed([limit], site, "eve", 8) == 8


async def test_a_flood_over_several_processes_is_counted_together(redis):
    processes = [MessageLimit(redis) for _ in range(3)]
    assert await passed(processes, channel(40), "ada", 200) == 3 * 10 + 30


@pytest.mark.parametrize("address", ["unix:///nowhere/redis.sock", "redis://127.0.0.1:1/0"])
async def test_without_redis_the_process_counts_for_itself(address):
    client = connect(address)
    limit, site = MessageLimit(client), channel(12)
    assert await passed([limit], site, "ada", 30) == 12
    await client.aclose()
