from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from turn_stores import bench as open_bench
from turn_stores import outcome

from storage.durable import DurableTurnStore
from storage.errors import Unavailable
from storage.outbox import Outbox
from storage.receipts import Receipts


class CountedOutbox(Outbox):
    """Counts its batches, and cannot write the first `away` of them."""

    batches = 0
    away = 0

    async def sent(self, tenant_id, receipts):
        self.batches += 1
        if self.batches <= self.away:
            raise Unavailable("Postgres is away")
        return await super().sent(tenant_id, receipts)


@pytest.fixture
async def post(database, clock):
    """An outbox and five claimed deliveries of five sessions."""
    async with open_bench("durable", database, clock) as bench:
        store = DurableTurnStore(bench.database, bench.vault, clock, pushed=["web"])
        outbox = CountedOutbox(bench.database, bench.vault)
        claimed = []
        for n in range(5):
            accepted = await store.accept(bench.inbound("hi", user=f"u{n}"), claim=True)
            await store.commit(accepted.turn, outcome("hello"), claim_next=True)
            claimed.append(await outbox.claim(bench.channel.tenant_id, accepted.session_id))
        yield bench, outbox, claimed


async def test_receipts_of_a_moment_are_written_together_and_each_is_answered(post):
    bench, outbox, claimed = post
    receipts = Receipts(outbox)
    late = replace(claimed[4], token=claimed[4].token - 1)
    written = await asyncio.gather(
        *(receipts.write(each, f"p-{n}", found=n == 1) for n, each in enumerate([*claimed[:4], late]))
    )
    assert written == [True, True, True, True, False]
    assert outbox.batches == 1
    rows = await bench.eyes.fetch("select status, external_message_id from outbox order by created_at, id")
    assert sorted(map(tuple, rows), key=str) == sorted(
        [("sent", f"p-{n}") for n in range(4)] + [("queued", None)], key=str
    )
    outcomes = await bench.eyes.fetch("select outcome from delivery_attempts where outcome is not null")
    assert sorted(row["outcome"] for row in outcomes) == ["found", "sent", "sent", "sent", "sent"]


async def test_when_a_batch_cannot_be_written_everybody_in_it_is_told_and_may_try_again(post):
    _, outbox, claimed = post
    outbox.away = 1
    receipts = Receipts(outbox)
    told = await asyncio.gather(
        *(receipts.write(each, "p", found=False) for each in claimed), return_exceptions=True
    )
    assert [type(each) for each in told] == [Unavailable] * 5
    assert await asyncio.gather(*(receipts.write(each, "p", found=False) for each in claimed)) == [True] * 5
    assert outbox.batches == 2
