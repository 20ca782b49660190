"""Where the sessions of a tenant stand, as those who look on see it."""

from __future__ import annotations

from uuid import UUID

import pytest
from turn_stores import bench as open_bench

from storage.ids import uuid7
from storage.outcomes import NewMessage, NewState, Outcome
from storage.records import Sender
from storage.states import States


@pytest.fixture
async def bench(database, clock):
    async with open_bench("durable", database, clock) as bench:
        yield bench


@pytest.fixture
def states(bench):
    return States(bench.database, bench.vault)


def parked(place: str, *, flow: str = "visit", sensitive: bool = False, said: str = "hello") -> Outcome:
    replies = (NewMessage(uuid7(), said, sensitive=sensitive),)
    return Outcome(replies, NewState({"kept": place}, flow, "1", place, sensitive=sensitive))


async def test_sessions_are_counted_where_they_wait(bench, states):
    for user, place in (("ada", "day#0"), ("bob", "day#0"), ("eve", "who#0")):
        turn = await bench.claimed(user=user)
        await bench.store.commit(turn, parked(place), claim_next=False)
    idle = await bench.claimed(user="dan")
    await bench.commit(idle, "hello")
    tenant_id = bench.channel.tenant_id
    assert await states.waiting(tenant_id) == {("visit", "day#0"): 2, ("visit", "who#0"): 1}
    await bench.eyes.execute(
        "update sessions set status = 'closed', ended_at = now() where id = $1", turn.session.id
    )
    assert await states.waiting(tenant_id) == {("visit", "day#0"): 2}


async def test_running_sessions_come_with_their_states_opened(bench, states):
    turn = await bench.claimed(user="ada")
    await bench.store.commit(turn, parked("day#0", sensitive=True), claim_next=False)
    [(session, state)] = [each async for each in states.live(bench.channel.tenant_id)]
    assert (session.id, session.user_id, session.external_user_id) == (
        turn.session.id,
        turn.session.user_id,
        "ada",
    )
    assert (state.flow, state.state_name, state.data, state.damage) == (
        "visit",
        "day#0",
        {"kept": "day#0"},
        None,
    )
    assert await states.of_session(session.tenant_id, session.id) == state


async def test_a_session_of_which_nothing_is_known_has_no_state(bench, states):
    assert await states.of_session(bench.channel.tenant_id, UUID(int=7)) is None
    assert await states.said(bench.channel.tenant_id, UUID(int=7)) == []


async def test_what_was_said_is_read_in_order_and_what_is_sealed_stays_so(bench, states):
    turn = await bench.claimed("hello", user="ada")
    await bench.store.commit(turn, parked("day#0", said="Which day?"), claim_next=False)
    turn = await bench.claimed("Friday", user="ada")
    await bench.store.commit(turn, parked("day#0", sensitive=True, said="a secret"), claim_next=False)
    said = await states.said(turn.session.tenant_id, turn.session.id)
    assert [(message.sender, message.content) for message in said] == [
        (Sender.USER, "hello"),
        (Sender.BOT, "Which day?"),
        (Sender.USER, "Friday"),
        (Sender.BOT, "[sensitive]"),
    ]
