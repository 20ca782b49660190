"""Operators and the session's row: taken at once, queued once, and never talked over by the bot."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from turn_stores import MODES, outcome
from turn_stores import bench as open_bench

from storage.desk import Handled, OperatorActions
from storage.errors import HandedOver, Unavailable
from storage.events import Events, Posted
from storage.ids import uuid7
from storage.outcomes import Hand, NewMessage, Outcome, SentEvent
from storage.records import EntryKind, Sender
from storage.sessions import Sessions


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


def actions_of(bench):
    return OperatorActions(bench.database, bench.vault, bench.clock)


async def queue(bench, session, action="reply", by="ann", *, key="k", force=False, **more):
    if action == "reply":
        more.setdefault("text", "How can I help?")
    return await actions_of(bench).queue(
        session.tenant_id, session.id, action, by, force=force, key=key, **more
    )


async def take(bench, session, by="ann", *, force=False):
    return await actions_of(bench).take(session.tenant_id, session.id, by, force=force)


async def standing(bench, session):
    row = await bench.eyes.fetchrow(
        "select status, owner, handoff_reason from sessions where id = $1", session.id
    )
    return tuple(row)


async def quiet(bench):
    """A session in which nothing is under way."""
    turn = await bench.claimed()
    await bench.commit(turn, "hi")
    return turn.session


async def handed_over(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "wait", hand=Hand(to_person=True, reason="a complaint"))
    return turn.session


async def test_a_commit_gives_the_session_to_a_person(bench):
    session = await handed_over(bench)
    assert await standing(bench, session) == ("handoff", None, "a complaint")
    turn = await bench.claimed("anybody there?")
    assert (turn.session.in_handoff, turn.session.owner) == (True, None)


async def test_what_the_commit_claims_on_knows_of_the_hand_over(bench):
    turn = await bench.claimed()
    await bench.accept("and one more")
    committed = await bench.commit(turn, "wait", hand=Hand(to_person=True))
    assert committed.next is not None
    assert committed.next.session.in_handoff
    assert (await bench.commit(committed.next, reason="handoff", state=None)).next is None


async def test_an_operator_who_takes_a_session_has_it_at_once(bench):
    session = await quiet(bench)
    assert await take(bench, session) is Handled.ACCEPTED
    assert await standing(bench, session) == ("handoff", "ann", None)
    assert (await bench.claimed("hello?")).session.owner == "ann"


async def test_a_turn_under_way_when_an_operator_came_writes_nothing(bench):
    turn = await bench.claimed()
    await take(bench, turn.session)
    for write in (bench.store.commit, bench.store.bury):
        with pytest.raises(HandedOver):
            await write(turn, outcome("the bot says"), claim_next=True)
    await bench.store.retry(turn, after=timedelta(), error="handed over")
    again = await bench.store.load(turn.session.tenant_id, turn.session.id)
    assert again.session.in_handoff
    await bench.commit(again, reason="handoff", state=None)
    assert [text for _, _, text in await bench.transcript(turn.session.id)] == ["hello"]


async def test_a_turn_under_way_when_another_operator_came_writes_nothing_either(bench):
    session = await quiet(bench)
    await take(bench, session, "ann")
    turn = await bench.claimed("hello?")
    await take(bench, session, "bob", force=True)
    with pytest.raises(HandedOver):
        await bench.commit(turn, reason="handoff", state=None)


async def test_what_an_operator_says_takes_its_place_in_the_lane(bench):
    session = await quiet(bench)
    assert await queue(bench, session) is Handled.ACCEPTED
    turn = await bench.store.load(session.tenant_id, session.id)
    assert (turn.entry.kind, turn.entry.message_id) == (EntryKind.OPERATOR, None)
    assert turn.entry.payload == {"action": "reply", "by": "ann", "text": "How can I help?"}
    said = NewMessage(turn.entry.id, "How can I help?", sender=Sender.AGENT)
    await bench.store.commit(turn, Outcome((said,), None, agent="ann"), claim_next=True)
    row = await bench.eyes.fetchrow(
        "select sender_type, sender_id, content from messages where id = $1", said.id
    )
    assert tuple(row) == ("agent", "ann", "How can I help?")


async def test_the_same_action_again_is_a_duplicate(bench):
    session = await quiet(bench)
    results = await asyncio.gather(*(queue(bench, session) for _ in range(20)))
    assert sorted(results) == [Handled.ACCEPTED] + [Handled.DUPLICATE] * 19
    assert await bench.eyes.fetchval("select count(*) from inbox") == 1


async def test_of_two_operators_at_once_one_has_the_session(bench):
    session = await quiet(bench)
    results = await asyncio.gather(*(take(bench, session, f"operator-{n}") for n in range(20)))
    assert sorted(results) == [Handled.ACCEPTED] + [Handled.OWNED] * 19


async def test_another_operators_session_is_taken_by_force_only(bench):
    session = await quiet(bench)
    await take(bench, session, "ann")
    assert await queue(bench, session, by="bob") is Handled.OWNED
    assert await standing(bench, session) == ("handoff", "ann", None)
    assert await queue(bench, session, by="bob", force=True) is Handled.ACCEPTED
    assert await standing(bench, session) == ("handoff", "bob", None)


async def test_a_session_that_the_bot_has_cannot_be_given_back(bench):
    session = await quiet(bench)
    assert await queue(bench, session, "resume") is Handled.NOT_HANDED_OVER
    assert await standing(bench, session) == ("active", None, None)


async def test_the_bot_has_a_session_that_was_given_back(bench):
    session = await handed_over(bench)
    await queue(bench, session, "resume")
    turn = await bench.store.load(session.tenant_id, session.id)
    await bench.commit(turn, "It is me again", hand=Hand(to_person=False))
    assert await standing(bench, session) == ("active", None, None)
    assert not (await bench.claimed("hello")).session.in_handoff


async def test_a_session_that_an_operator_closed_is_closed(bench):
    session = await handed_over(bench)
    assert await queue(bench, session, "close", resolved=True) is Handled.ACCEPTED
    turn = await bench.store.load(session.tenant_id, session.id)
    assert turn.entry.payload == {"action": "close", "by": "ann", "resolved": True}
    await bench.commit(turn, close=True, resolved=True, hand=Hand(to_person=False))
    row = await bench.eyes.fetchrow(
        "select status, end_reason, resolved from sessions where id = $1", session.id
    )
    assert tuple(row) == ("closed", "ended", True)
    assert await queue(bench, session, key="later") is Handled.CLOSED


async def test_silence_closes_no_session_that_waits_for_a_person(bench):
    session = await handed_over(bench)
    bench.clock.advance(timedelta(days=30))
    assert await Sessions(bench.database, bench.clock).close_silent(session.tenant_id) == 0
    assert (await bench.accept("still here")).session_id == session.id


async def test_nothing_is_done_to_sessions_of_others(bench):
    session = await quiet(bench)
    actions = actions_of(bench)
    assert await actions.take(session.tenant_id, uuid7(), "ann", force=True) is Handled.UNKNOWN
    await bench.owner.execute(
        "insert into tenants (tenant_id, slug, name) values ($1, 'stranger', 'Stranger')", stranger := uuid7()
    )
    assert await actions.take(stranger, session.id, "ann", force=True) is Handled.UNKNOWN
    assert await standing(bench, session) == ("active", None, None)


async def test_what_is_said_while_a_secret_is_asked_for_stays_sealed(bench):
    turn = await bench.claimed()
    await bench.commit(
        turn, "Your PIN?", flow="f", data={"x": 1}, sensitive=True, parked_for=timedelta(days=1)
    )
    session = turn.session
    assert await queue(bench, session, text="What is your name?") is Handled.ACCEPTED
    assert await bench.eyes.fetchval("select payload is null and sealed is not null from inbox")
    turn = await bench.store.load(session.tenant_id, session.id)
    assert turn.entry.payload["text"] == "What is your name?"
    said = NewMessage(turn.entry.id, "What is your name?", sender=Sender.AGENT, sensitive=True)
    await bench.store.commit(turn, Outcome((said,), None, agent="ann"), claim_next=True)
    turn = await bench.claimed("I am Ada")
    await bench.commit(turn, reason="handoff", state=None)
    kept = await bench.eyes.fetch(
        "select content, sealed is not null as is_sealed from messages order by seq"
    )
    assert [tuple(row) for row in kept][2:] == [("", True), ("", True)]


async def test_a_turn_tells_another_session_once(bench):
    there = await quiet(bench)
    turn = await bench.claimed("pay", user="eve")
    told = SentEvent(there.id, "paid", 5, "invoice-7")
    committed = await bench.commit(turn, "done", events=(told, told))
    assert committed.woken == (there.id,)
    assert (
        await Events(bench.database, bench.vault, bench.clock).post(
            there.tenant_id, there.id, "paid", 5, key="invoice-7"
        )
        is Posted.DUPLICATE
    )
    entry = (await bench.store.load(there.tenant_id, there.id)).entry
    assert (entry.kind, entry.payload) == (EntryKind.EVENT, {"name": "paid", "value": 5})


async def test_a_session_that_waits_for_a_secret_is_told_under_seal(bench):
    turn = await bench.claimed()
    await bench.commit(
        turn, "Your PIN?", flow="f", data={"x": 1}, sensitive=True, parked_for=timedelta(days=1)
    )
    there = turn.session
    turn = await bench.claimed("pay", user="eve")
    await bench.commit(turn, "done", events=(SentEvent(there.id, "paid", "4929", "one"),))
    row = await bench.eyes.fetchrow("select payload, sealed from inbox where kind = 'event'")
    assert row["payload"] is None
    assert b"4929" not in row["sealed"]
    entry = (await bench.store.load(there.tenant_id, there.id)).entry
    assert entry.payload == {"name": "paid", "value": "4929"}


async def test_two_turns_that_tell_each_others_session_at_once_are_both_written(bench):
    first, second = await bench.claimed("a"), await bench.claimed("b", user="eve")

    async def commit(turn, other, key):
        return await bench.store.commit(
            turn, outcome("done", events=(SentEvent(other.session.id, "hello", None, key),)), claim_next=False
        )

    async def insist(turn, other, key):
        # Postgres breaks a knot of two by refusing one, which the worker then writes again.
        try:
            await commit(turn, other, key)
        except Unavailable:
            await commit(turn, other, key)

    await asyncio.gather(insist(first, second, "x"), insist(second, first, "y"))
    assert await bench.eyes.fetchval("select count(*) from inbox where kind = 'event'") == 2
