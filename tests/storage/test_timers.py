"""Timers and events on real Postgres: written by the commit, fired once, gone with their session."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from turn_stores import MODES, outcome
from turn_stores import bench as open_bench

from storage.errors import LeaseLost
from storage.events import Events, Posted
from storage.ids import uuid7
from storage.outcomes import NewMessage, Outcome, Timer
from storage.records import EntryKind
from storage.sessions import Sessions
from storage.timers import Timers

HOUR = timedelta(hours=1)


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


def timer(bench, after=HOUR):
    return Timer(uuid7(), bench.clock() + after, {"flow": "f"})


async def parked(bench, *timers, **more):
    """A session whose flow waits with these timers."""
    turn = await bench.claimed()
    await bench.commit(turn, "which?", flow="f", parked_for=timedelta(days=7), timers=timers, **more)
    return turn.session


async def left(bench):
    return await bench.eyes.fetchval("select count(*) from timers")


def timers_of(bench):
    return Timers(bench.database, bench.clock)


async def test_a_timer_goes_off_once_when_its_time_has_come(bench):
    due = timer(bench)
    session = await parked(bench, due)
    timers = timers_of(bench)
    bench.clock.advance(HOUR - timedelta(seconds=1))
    assert await timers.fire_due(10) == []
    bench.clock.advance(timedelta(seconds=1))
    assert await timers.fire_due(10) == [(session.tenant_id, session.id)]
    assert await timers.fire_due(10) == []
    turn = await bench.store.load(session.tenant_id, session.id)
    assert (turn.entry.id, turn.entry.kind, turn.entry.message_id) == (due.id, EntryKind.TIMER, None)
    assert turn.entry.payload == {"flow": "f"}
    assert turn.state.flow == "f"
    await bench.commit(turn, "time is up", timers=())
    assert await left(bench) == 0
    assert await timers.fire_due(10) == []
    assert [text for _, _, text in await bench.transcript(session.id)] == ["hello", "which?", "time is up"]


async def test_many_workers_at_once_fire_a_timer_once(bench):
    session = await parked(bench, *(timer(bench) for _ in range(3)))
    bench.clock.advance(HOUR)
    workers = [timers_of(bench) for _ in range(8)]
    fired = await asyncio.gather(*(worker.fire(session.tenant_id, session.id) for worker in workers))
    assert sorted(fired) == [0] * 7 + [3]
    assert await bench.eyes.fetchval("select count(*) from inbox where kind = 'timer'") == 3


async def test_timers_that_are_due_together_go_off_in_the_order_of_their_times(bench):
    late, early = timer(bench, 2 * HOUR), timer(bench, HOUR)
    session = await parked(bench, late, early)
    bench.clock.advance(3 * HOUR)
    await timers_of(bench).fire_due(10)
    turn = await bench.store.load(session.tenant_id, session.id)
    following = (await bench.commit(turn, flow="f", timers=(late, early))).next
    assert [turn.entry.id, following.entry.id] == [early.id, late.id]


async def test_a_worker_that_died_after_firing_leaves_the_entry_to_another(bench):
    due = timer(bench)
    session = await parked(bench, due)
    bench.clock.advance(HOUR)
    await timers_of(bench).fire_due(10)
    lost = await bench.short.load(session.tenant_id, session.id)
    await bench.eyes.execute("select pg_sleep(0.15)")
    rescued = await bench.store.load(session.tenant_id, session.id)
    assert (rescued.entry.id, rescued.entry.attempt) == (due.id, 2)
    with pytest.raises(LeaseLost):
        await bench.store.commit(lost, outcome("late", timers=()), claim_next=True)
    assert await left(bench) == 1
    await bench.commit(rescued, "in time", timers=())
    assert await timers_of(bench).fire_due(10) == []


async def test_a_commit_replaces_timers_and_leaves_those_that_stay(bench):
    stays, goes = timer(bench), timer(bench)
    session = await parked(bench, stays, goes)
    comes = timer(bench, 2 * HOUR)
    await bench.commit(await bench.claimed("more"), flow="f", timers=(stays, comes))
    rows = await bench.eyes.fetch("select id from timers where session_id = $1", session.id)
    assert {row["id"] for row in rows} == {stays.id, comes.id}


@pytest.mark.parametrize("buried", [True, False])
async def test_a_timer_that_fired_and_is_named_again_does_not_fire_again(bench, buried):
    due = timer(bench)
    session = await parked(bench, due)
    timers = timers_of(bench)
    bench.clock.advance(HOUR)
    await timers.fire_due(10)
    turn = await bench.store.load(session.tenant_id, session.id)
    if buried:
        apology = Outcome((NewMessage(uuid7(), "sorry"),), None, error="boom", timers=(due,))
        await bench.store.bury(turn, apology, claim_next=True)
    else:
        await bench.commit(turn, flow="f", timers=(due,))
    assert await timers.fire_due(10) == []
    assert await timers.fire(session.tenant_id, session.id) == 0
    await bench.commit(await bench.claimed("next"), flow="f", timers=(due,))
    assert await timers.fire_due(10) == []


async def test_an_outcome_that_says_nothing_of_timers_leaves_them(bench):
    await parked(bench, timer(bench))
    await bench.commit(await bench.claimed("more"), flow="f")
    assert await left(bench) == 1


async def test_a_clock_that_was_set_back_fires_nothing_twice(bench):
    await parked(bench, timer(bench), timer(bench, 2 * HOUR))
    timers = timers_of(bench)
    bench.clock.advance(HOUR)
    assert len(await timers.fire_due(10)) == 1
    bench.clock.advance(-HOUR)
    assert await timers.fire_due(10) == []
    bench.clock.advance(HOUR)
    assert await timers.fire_due(10) == []
    bench.clock.advance(HOUR)
    assert len(await timers.fire_due(10)) == 1


async def test_a_session_that_its_flow_closes_has_no_timers(bench):
    await parked(bench, timer(bench))
    await bench.commit(await bench.claimed("bye"), "bye", close=True)
    assert await left(bench) == 0


async def test_a_timer_that_a_closed_session_has_all_the_same_goes_without_firing(bench):
    session = await parked(bench)
    await bench.commit(await bench.claimed("bye"), "bye", close=True)
    await bench.eyes.execute(
        "insert into timers (tenant_id, id, session_id, due_at) values ($1, gen_random_uuid(), $2, $3)",
        session.tenant_id,
        session.id,
        bench.clock(),
    )
    assert await timers_of(bench).fire_due(10) == []
    assert await left(bench) == 0


async def test_a_session_that_closes_as_it_parks_keeps_no_timer(bench):
    await parked(bench, timer(bench), close=True)
    assert await left(bench) == 0


@pytest.mark.parametrize("found_by", ["the sweep", "the next message", "opening"])
async def test_a_session_that_was_abandoned_has_no_timers(bench, found_by):
    session = await parked(bench, timer(bench, timedelta(days=30)))
    bench.clock.advance(timedelta(days=8))
    if found_by == "the sweep":
        assert await Sessions(bench.database, bench.clock).close_silent(bench.channel.tenant_id) == 1
    elif found_by == "opening":
        await Sessions(bench.database, bench.clock).open(bench.channel, bench.inbound().user)
    else:
        await bench.accept("hello again")
    assert await left(bench) == 0
    bench.clock.advance(timedelta(days=30))
    assert await timers_of(bench).fire(session.tenant_id, session.id) == 0


async def test_a_timer_and_the_answer_at_once_are_two_turns_in_one_order(bench):
    due = timer(bench)
    session = await parked(bench, due)
    bench.clock.advance(HOUR)
    await asyncio.gather(
        timers_of(bench).fire(session.tenant_id, session.id), bench.accept("blue", claim=False)
    )
    turn = await bench.store.load(session.tenant_id, session.id)
    kinds = set()
    while turn is not None:
        kinds.add(turn.entry.kind)
        turn = (await bench.commit(turn, timers=())).next
    assert kinds == {EntryKind.TIMER, EntryKind.MESSAGE}


async def test_an_event_is_queued_once_a_key(bench):
    session = await parked(bench)
    events = Events(bench.database, bench.vault, bench.clock)
    place = (session.tenant_id, session.id, "paid", {"amount": 3})
    posted = await asyncio.gather(*(events.post(*place, key="k") for _ in range(10)))
    assert sorted(posted) == [Posted.ACCEPTED] + [Posted.DUPLICATE] * 9
    turn = await bench.store.load(session.tenant_id, session.id)
    assert turn.entry.kind is EntryKind.EVENT
    assert turn.entry.payload == {"name": "paid", "value": {"amount": 3}}
    await bench.commit(turn, "thanks")
    assert await events.post(*place, key="k") is Posted.DUPLICATE
    assert await events.post(*place, key="k2") is Posted.ACCEPTED


async def test_an_event_for_a_session_that_is_over_or_unknown_says_so(bench):
    session = await parked(bench)
    await bench.commit(await bench.claimed("bye"), "bye", close=True)
    events = Events(bench.database, bench.vault, bench.clock)
    assert await events.post(session.tenant_id, session.id, "paid", None, key="k") is Posted.CLOSED
    assert await events.post(session.tenant_id, uuid7(), "paid", None, key="k") is Posted.UNKNOWN
    assert await events.post(uuid7(), session.id, "paid", None, key="k") is Posted.UNKNOWN


async def test_an_event_for_a_flow_with_secrets_is_sealed_until_its_turn(bench):
    session = await parked(bench, data={"a": "b"}, sensitive=True)
    events = Events(bench.database, bench.vault, bench.clock)
    await events.post(session.tenant_id, session.id, "paid", "card 4711", key="k")
    row = await bench.eyes.fetchrow("select payload, sealed from inbox")
    assert row["payload"] is None
    assert b"4711" not in row["sealed"]
    turn = await bench.store.load(session.tenant_id, session.id)
    assert turn.entry.payload == {"name": "paid", "value": "card 4711"}
    first, second = await bench.accept("one", claim=False), None
    await events.post(session.tenant_id, session.id, "paid", "again", key="k2")
    second = (await bench.commit(turn, sensitive=True, data={"a": 1}, flow="f")).next
    assert second.entry.message_id == first.message.id
    third = (await bench.commit(second, sensitive=True, data={"a": 1}, flow="f")).next
    assert third.entry.payload == {"name": "paid", "value": "again"}
