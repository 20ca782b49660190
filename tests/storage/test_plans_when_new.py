"""A database without statistics: plans are made while its tables are small, and are kept.

Look-ups by different indexes cost about the same then, so the planner could choose one that only narrows down to
the tenant. A turn would read all of the tenant's rows, more with every turn, until the first ANALYZE.
"""

from __future__ import annotations

import pytest
from filled import watched
from turn_stores import bench as open_bench
from turn_stores import outcome

from storage.durable import DurableTurnStore
from storage.messages import Messages

TURNS = 240
# Every so many turns all plans are made anew, as by a new connection: a plan depends on the size of the tables.
PLANS_LAST = 20
ROWS_A_TURN = 12


@pytest.fixture
async def bench(database, clock):
    async with open_bench("durable", database, clock) as bench:
        yield bench


async def test_a_turn_reads_no_more_rows_when_its_tenant_has_more(bench, database):
    tenant_id = bench.channel.tenant_id
    async with watched(database.runtime_url) as eyes:
        store, messages = (
            DurableTurnStore(eyes, bench.vault, bench.clock),
            Messages(eyes, bench.vault, bench.clock),
        )
        for n in range(TURNS):
            if n % PLANS_LAST == 0:
                await eyes.forget_plans()
            accepted = await store.accept(bench.inbound(user=f"u{n % 7}", wants_reply=True), claim=True)
            await store.commit(accepted.turn, outcome("hello", flow="f", data={"n": n}), claim_next=True)
            place = (tenant_id, bench.channel.id, accepted.user_id)
            assert await messages.reply(*place, accepted.reply_id) is not None
        async with eyes.tenant(tenant_id) as connection:
            read = await connection.fetch("select relname, idx_tup_fetch from pg_stat_xact_user_tables")
        rows = {row["relname"]: row["idx_tup_fetch"] or 0 for row in read}
        assert {table: count for table, count in rows.items() if count > ROWS_A_TURN * TURNS} == {}
