"""The lasting record of what calls and models gave: in order, sealed where it is private, each turn's once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from turn_stores import MODES, Bench, outcome
from turn_stores import bench as open_bench

from storage.also import Also
from storage.durable import DurableTurnStore
from storage.errors import LeaseLost
from storage.outcomes import Result
from storage.records import Turn
from storage.results import Results

PRICE = Result("call", "price", {"$": "decimal", "v": "9.50"}, "ok", "visit", "run", "price#0", "d1")
TICKET = Result("memo", "ticket", None, "ok", "visit", "run", "ticket#0")
SECRET = Result(
    "call", "balance", "canary of the bank", "ok", "bank", "run", "balance#0", "canary-digest", sensitive=True
)


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


@pytest.fixture
def results(bench):
    return Results(bench.database, bench.vault)


async def of(results: Results, turn: Turn):
    session = turn.session
    return await results.of_session(session.tenant_id, session.user_id, session.id)


async def test_results_are_read_in_the_order_of_their_turns_with_the_message_that_was_answered(
    bench, results
):
    first = await bench.claimed("hello")
    await bench.commit(first, results=(TICKET, PRICE))
    second = await bench.claimed("again")
    await bench.commit(second, results=(replace(PRICE, value=["ConnectionError", "away"], status="failed"),))
    stored = await of(results, first)
    assert [each.result for each in stored[:2]] == [TICKET, PRICE]
    assert (stored[2].result.status, stored[2].result.value) == ("failed", ["ConnectionError", "away"])
    assert [each.position for each in stored] == [1, 1, 2]
    assert [each.message_id for each in stored] == [
        first.entry.message_id,
        first.entry.message_id,
        second.entry.message_id,
    ]
    assert stored[0].created_at == first.entry.accepted_at and all(each.readable for each in stored)


async def test_a_sensitive_result_is_in_no_dump_and_opens_with_the_users_key(bench, results):
    turn = await bench.claimed("hello")
    await bench.commit(turn, results=(PRICE, SECRET))
    assert [each.result for each in await of(results, turn)] == [PRICE, SECRET]
    row = await bench.eyes.fetchrow("select t.*, t::text as dump from turn_results t where name = 'balance'")
    assert (row["value"], row["digest"]) == (None, "")
    assert "canary" not in row["dump"]


async def test_a_sealed_result_that_was_moved_or_whose_key_is_gone_is_told_as_unreadable(bench, results):
    turn = await bench.claimed("hello")
    await bench.commit(turn, results=(SECRET, replace(SECRET, path="balance#1")))
    await bench.owner.execute(
        "update turn_results t set sealed = (select sealed from turn_results o where o.session_id = t.session_id "
        "and o.ordinal = 2) where ordinal = 1 and sealed is not null"
    )
    moved, whole = await of(results, turn)
    assert (moved.readable, moved.result.value) == (False, None)
    assert (whole.readable, whole.result.value) == (True, SECRET.value)
    async with bench.database.tenant(turn.session.tenant_id) as connection:
        await bench.vault.erase_user(connection, turn.session.tenant_id, turn.session.user_id)
    bench.vault.forget_user(turn.session.tenant_id, turn.session.user_id)
    assert [each.readable for each in await of(results, turn)] == [False, False]


async def test_a_commit_whose_answer_was_lost_adds_nothing_when_it_is_sent_again(bench, results):
    turn = await bench.claimed("hello")
    came = outcome("hi", results=(PRICE, SECRET))
    await asyncio.gather(*(bench.store.commit(turn, came, claim_next=False) for _ in range(8)))
    assert [each.result.name for each in await of(results, turn)] == ["price", "balance"]


async def test_the_same_results_written_twice_in_the_database_are_there_once(bench, results):
    turn = await bench.claimed("hello")
    add = "select add_results($1, $2, $3, $4::jsonb)"
    told = (
        '[{"flow": "f", "run": "r", "path": "p#0", "kind": "call", "name": "p", "status": "ok", "value": 1}]'
    )
    for _ in range(2):
        await bench.eyes.execute(add, turn.session.tenant_id, turn.session.id, turn.entry.id, told)
    assert [each.result.value for each in await of(results, turn)] == [1]


async def test_a_turn_that_is_not_committed_leaves_no_results(bench, results):
    stale = (await bench.store.accept(bench.inbound("hello"), claim=False)).session_id
    turn = await bench.short.load(bench.channel.tenant_id, stale)
    assert turn is not None
    late = replace(turn, token=turn.token - 1)
    with pytest.raises(LeaseLost):
        await bench.store.commit(late, outcome(results=(PRICE,)), claim_next=False)
    assert await of(results, turn) == []


async def test_a_dead_letter_keeps_what_its_turn_found_out(bench, results):
    turn = await bench.claimed("hello")
    came = outcome("sorry", results=(PRICE,), error="ValueError")
    await bench.store.bury(turn, came, claim_next=False)
    assert [each.result for each in await of(results, turn)] == [PRICE]


async def test_another_tenant_sees_none_of_them(bench, results):
    turn = await bench.claimed("hello")
    await bench.commit(turn, results=(PRICE,))
    stranger = await bench.owner.fetchval("select gen_random_uuid()")
    assert await results.of_session(stranger, turn.session.user_id, turn.session.id) == []


async def test_results_go_with_their_session(bench, results):
    turn = await bench.claimed("hello")
    await bench.commit(turn, results=(PRICE,))
    await bench.owner.execute("delete from inbox where session_id = $1", turn.session.id)
    await bench.owner.execute("delete from sessions where id = $1", turn.session.id)
    assert await bench.eyes.fetchval("select count(*) from turn_results") == 0


class _Listening:
    """Stands before a database and keeps what is sent to it."""

    def __init__(self, database) -> None:
        self._database = database
        self.sent: list[tuple[object, ...]] = []

    def __getattr__(self, name: str):
        return getattr(self._database, name)

    async def call(self, statement, *arguments):
        self.sent.append((statement, *arguments))
        return await self._database.call(statement, *arguments)


async def test_a_turn_without_results_sends_one_statement_with_nothing_more_in_it(bench: Bench):
    listening = _Listening(bench.database)
    store = DurableTurnStore(listening, bench.vault, bench.clock)
    turn = await bench.claimed("hello")
    await store.commit(turn, outcome("hi"), claim_next=False)
    [sent] = listening.sent
    assert sent[-1] is None, "nothing of `commit_also`"
    assert await Also(bench.vault).of(turn, outcome("hi"), {}) is None
    turn = await bench.claimed("again")
    await store.commit(turn, outcome("hi", results=(TICKET,)), claim_next=False)
    assert len(listening.sent) == 2, "results ride on the commit"
    assert set(listening.sent[-1][-1]) == {"results"}
