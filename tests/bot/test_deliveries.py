"""Deliveries against an adapter that fails as platforms fail."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from turn_stores import Bench, outcome
from turn_stores import bench as open_bench

from adapters.contract import Delivery, Receipt
from adapters.errors import CannotLookUp, DeliveryFailed
from bot.deliveries import DeliveryWorker
from storage.channels import Channels
from storage.durable import DurableTurnStore
from storage.outbox import Outbox


@dataclass
class Platform:
    """Takes messages; `faults` are raised one a try, after the message was taken where `takes_first`."""

    platform = "web"
    faults: list[Exception | None] = field(default_factory=list)
    takes_first: bool = False
    remembers: bool = True
    taken: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> Receipt:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self.takes_first:
            self.taken.append((delivery.id, delivery.content))
        if fault is not None:
            raise fault
        return Receipt(f"p-{len(self.taken)}")

    async def find(self, delivery: Delivery) -> Receipt | None:
        if not self.remembers:
            raise CannotLookUp("it keeps no record")
        found = [place for place, (each, _) in enumerate(self.taken, start=1) if each == delivery.id]
        return Receipt(f"p-{found[0]}") if found else None

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.taken]


@dataclass
class Post:
    """A session with two replies waiting in its lane."""

    bench: Bench
    outbox: Outbox
    channels: Channels

    async def deliver(self, platform: Platform, times: int = 1) -> None:
        for _ in range(times):
            counted: list[str] = []
            worker = DeliveryWorker(self.outbox, {"web": platform}, self.channels.load, counted.append)
            session_id = await self.bench.eyes.fetchval("select id from sessions")
            worker.wake(self.bench.channel.tenant_id, session_id)
            await worker.settle()
            # What was put off is due at once: the test does not wait for a platform's patience.
            await self.bench.eyes.execute("update outbox set due_at = now() where status = 'queued'")

    async def rows(self) -> list[tuple[str, bool, str | None]]:
        rows = await self.bench.eyes.fetch(
            "select status, possible_duplicate, external_message_id from outbox order by position"
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def post(database, clock):
    async with open_bench("durable", database, clock) as bench:
        store = DurableTurnStore(bench.database, bench.vault, clock, pushed=["web"])
        accepted = await store.accept(bench.inbound("hi"), claim=True)
        await store.commit(accepted.turn, outcome("one", "two"), claim_next=True)
        channels = Channels(bench.database, bench.vault, clock)
        yield Post(bench, Outbox(bench.database, bench.vault), channels)


async def test_replies_arrive_in_order_and_the_platforms_ids_are_kept(post):
    platform = Platform()
    await post.deliver(platform)
    assert platform.texts == ["one", "two"]
    assert await post.rows() == [("sent", False, "p-1"), ("sent", False, "p-2")]
    ids = await post.bench.eyes.fetch(
        "select external_message_id from messages where sender_type = 'bot' order by seq"
    )
    assert [row[0] for row in ids] == ["p-1", "p-2"]


async def test_a_temporary_failure_holds_the_lane_and_is_no_possible_duplicate(post):
    platform = Platform(faults=[DeliveryFailed("busy", permanent=False)])
    await post.deliver(platform)
    assert platform.texts == []
    await post.deliver(platform)
    assert platform.texts == ["one", "two"]
    assert await post.rows() == [("sent", False, "p-1"), ("sent", False, "p-2")]


async def test_a_final_failure_releases_the_lane(post):
    platform = Platform(faults=[DeliveryFailed("no such user", permanent=True)])
    await post.deliver(platform)
    assert platform.texts == ["two"]
    assert [row[0] for row in await post.rows()] == ["failed", "sent"]


async def test_a_send_whose_answer_was_lost_is_looked_up_and_not_repeated(post):
    platform = Platform(faults=[TimeoutError()], takes_first=True)
    await post.deliver(platform, times=2)
    assert platform.texts == ["one", "two"]
    assert await post.rows() == [("sent", False, "p-1"), ("sent", False, "p-2")]


async def test_where_nothing_can_be_looked_up_the_repeat_is_labelled(post):
    platform = Platform(faults=[TimeoutError()], takes_first=True, remembers=False)
    await post.deliver(platform, times=2)
    assert platform.texts == ["one", "one", "two"]
    assert [(status, doubtful) for status, doubtful, _ in await post.rows()] == [
        ("sent", True),
        ("sent", False),
    ]


async def test_a_delivery_that_never_works_is_given_up_and_the_lane_goes_on(post):
    platform = Platform(faults=[DeliveryFailed("busy", permanent=False)] * 8)
    await post.deliver(platform, times=8)
    assert platform.texts == ["two"]
    assert [row[0] for row in await post.rows()] == ["failed", "sent"]


async def test_a_delivery_for_a_platform_that_nobody_serves_here_is_final_and_visible(post):
    worker = DeliveryWorker(post.outbox, {}, post.channels.load, [].append)
    session_id = await post.bench.eyes.fetchval("select id from sessions")
    worker.wake(post.bench.channel.tenant_id, session_id)
    await worker.settle()
    assert [row[0] for row in await post.rows()] == ["failed", "failed"]
    assert await post.bench.eyes.fetchval("select count(*) from outbox where error like '%web%'") == 2


async def test_a_delivery_that_the_platform_tells_to_wait_is_not_given_up(post):
    """Neither is it after many of them, once something else goes wrong."""
    waits = [DeliveryFailed("slowly", permanent=False, retry_after=9)] * 12
    platform = Platform(faults=[*waits, DeliveryFailed("busy", permanent=False)])
    await post.deliver(platform, times=13)
    assert platform.texts == []
    await post.deliver(platform)
    assert platform.texts == ["one", "two"]
    outcomes = await post.bench.eyes.fetch(
        "select outcome, count(*) from delivery_attempts group by outcome order by outcome"
    )
    assert [tuple(row) for row in outcomes] == [("sent", 2), ("temporary", 1), ("waited", 12)]


async def test_a_platform_that_tells_to_wait_for_ever_is_given_up_in_the_end(post, monkeypatch):
    monkeypatch.setattr("bot.deliveries.MOST_ATTEMPTS", 3)
    platform = Platform(faults=[DeliveryFailed("slowly", permanent=False, retry_after=9)] * 3)
    await post.deliver(platform, times=3)
    assert platform.texts == ["two"]
    assert [row[0] for row in await post.rows()] == ["failed", "sent"]


@pytest.mark.parametrize("retry_after", [None, 3.0])
async def test_what_the_platform_may_have_in_part_is_looked_up(post, retry_after):
    platform = Platform(
        faults=[DeliveryFailed("part 2 of 3", permanent=False, retry_after=retry_after, unsure=True)],
        takes_first=True,
    )
    await post.deliver(platform, times=2)
    assert platform.texts == ["one", "two"]
    assert await post.rows() == [("sent", False, "p-1"), ("sent", False, "p-2")]
    outcomes = await post.bench.eyes.fetch(
        "select outcome from delivery_attempts order by delivery_id, attempt"
    )
    first = "partly" if retry_after else None
    assert [row[0] for row in outcomes] == [first, "found", "sent"]


async def test_a_look_up_that_must_wait_is_made_again_and_nothing_is_sent_meanwhile(post):
    platform = Platform(faults=[TimeoutError()], takes_first=True)
    await post.deliver(platform)

    async def find_later(_: Delivery) -> Receipt | None:
        raise DeliveryFailed("slowly", permanent=False, retry_after=60)

    platform.find = find_later
    await post.deliver(platform)
    del platform.find
    await post.deliver(platform)
    assert platform.texts == ["one", "two"]
    assert [row[1] for row in await post.rows()] == [False, False]


async def test_an_adapter_learns_since_when_a_delivery_may_be_there(post, clock):
    seen: list[Delivery] = []

    class Curious(Platform):
        async def send(self, delivery: Delivery) -> Receipt:
            seen.append(delivery)
            return await super().send(delivery)

    await post.deliver(Curious())
    assert {delivery.created_at for delivery in seen} == {clock()}
