"""The status beside a turn: in order, and never in the turn's way."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from bot.slack.at_work import AtWork
from storage.errors import NotFound
from storage.records import Channel, Session

CHANNEL = Channel(UUID(int=1), UUID(int=2), "slack", "A1/T1", "acme")


class Statuses:
    def __init__(self):
        self.seen: list[object] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def work(self, channel, thread_key, message_ts=None):
        await self.go_on.wait()
        self.seen.append(("work", thread_key))

    async def rest(self, channel, thread_key, *, replies):
        self.seen.append(("rest", thread_key, replies))


def session(platform="slack"):
    return Session(CHANNEL.tenant_id, uuid4(), uuid4(), CHANNEL.id, platform, "U1", "C1:1.000001")


@pytest.fixture
def statuses():
    return Statuses()


async def load(tenant_id, channel_id):
    return CHANNEL


async def test_a_turn_that_ends_at_once_is_cleared_after_it_was_shown(statuses):
    statuses.go_on.clear()
    async with AtWork(statuses, load) as at_work:
        one = session()
        at_work.begin(one)
        at_work.end(one, replies=True)
        await asyncio.sleep(0)
        assert statuses.seen == []
        statuses.go_on.set()
    assert statuses.seen == [("work", one.thread_key), ("rest", one.thread_key, True)]


async def test_a_quick_turn_and_other_platforms_ask_nothing(statuses):
    async with AtWork(statuses, load) as at_work:
        at_work.end(session(), replies=True)
        web = session("web")
        at_work.begin(web)
        at_work.end(web, replies=False)
    assert statuses.seen == []


async def test_an_error_ends_nothing(statuses):
    async def gone(tenant_id, channel_id):
        raise NotFound("no such channel")

    with capture_logs() as logs:
        async with AtWork(statuses, gone) as at_work:
            at_work.begin(session())
    assert [each["event"] for each in logs] == ["slack_status_failed"]


async def test_at_the_end_nobody_waits_long_for_slack(statuses):
    statuses.go_on.clear()
    async with asyncio.timeout(2):
        async with AtWork(statuses, load, end_within_s=0.01) as at_work:
            at_work.begin(session())
    assert statuses.seen == []
