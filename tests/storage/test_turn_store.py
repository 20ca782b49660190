"""The contract of every turn store: what each persistence mode must do alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from turn_stores import MODES, outcome
from turn_stores import bench as open_bench

from storage.errors import LeaseLost, VersionRace
from storage.ids import uuid7
from storage.outcomes import NewMessage, NewState, Outcome
from storage.records import Accepted, Duplicate, EntryKind, Sighting


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


async def lease_ended(bench, session_id):
    """Wait, by the database's own clock, until nobody holds the session's first entry."""
    await bench.eyes.execute(
        "select pg_sleep(greatest(0, extract(epoch from max(lease_until) - clock_timestamp())) + 0.01)"
        " from inbox where session_id = $1",
        session_id,
    )


async def test_an_event_sent_again_is_a_duplicate_of_the_first(bench):
    first = await bench.accept("hello", "k1", wants_reply=True)
    again = await bench.store.accept(bench.inbound("hello", "k1", wants_reply=True), claim=True)
    assert again == Duplicate(first.session_id, first.message.id, first.reply_id)
    assert await bench.eyes.fetchval("select count(*) from messages where sender_type = 'user'") == 1


async def test_any_shared_key_makes_a_duplicate_and_its_other_keys_are_taken_too(bench):
    first = await bench.accept("hello", "event-1", "channel:ts")
    as_mention = await bench.store.accept(bench.inbound("hello", "event-2", "channel:ts"), claim=True)
    as_mention_again = await bench.store.accept(bench.inbound("hello", "event-2"), claim=True)
    assert isinstance(as_mention, Duplicate)
    assert isinstance(as_mention_again, Duplicate)
    assert as_mention_again.message_id == first.message.id


async def test_a_hundred_events_fifty_times_at_once_are_a_hundred_rows(bench):
    events = [bench.inbound(f"event {n}", f"key-{n}", user=f"user-{n % 10}") for n in range(100)]
    results = await asyncio.gather(
        *(bench.store.accept(event, claim=False) for event in events for _ in range(50))
    )
    assert sum(isinstance(result, Accepted) for result in results) == 100
    assert await bench.eyes.fetchval("select count(*) from inbox") == 100
    assert await bench.eyes.fetchval("select count(*) from sessions") == 10


async def test_a_repeat_after_its_session_fell_silent_opens_no_new_session(bench):
    turn = await bench.claimed("hello", user="ada")
    await bench.commit(turn, "hi")
    bench.clock.advance(timedelta(days=1))
    key = await bench.eyes.fetchval("select key from inbound_keys")
    assert isinstance(await bench.store.accept(bench.inbound("hello", key), claim=True), Duplicate)
    assert await bench.eyes.fetchval("select count(*) from sessions") == 1


async def test_the_claim_rides_on_accepting_only_when_the_session_is_idle(bench):
    first = await bench.accept("one")
    second = await bench.accept("two")
    assert first.turn is not None
    assert first.turn.entry.attempt == 1
    assert second.turn is None
    assert await bench.store.load(bench.channel.tenant_id, first.session_id) is None


async def test_committing_claims_the_next_entry_on_in_the_order_of_acceptance(bench):
    turn = await bench.claimed("one")
    for text in ("two", "three"):
        await bench.accept(text)
    heard = []
    while turn is not None:
        heard.append(turn.entry.content)
        turn = (await bench.commit(turn, f"re {turn.entry.content}")).next
    assert heard == ["one", "two", "three"]
    session_id = await bench.eyes.fetchval("select id from sessions")
    assert [(seq, text) for seq, _, text in await bench.transcript(session_id)] == [
        (1, "one"),
        (2, "two"),
        (3, "three"),
        (4, "re one"),
        (5, "re two"),
        (6, "re three"),
    ]


async def test_fifty_messages_at_once_keep_one_order_and_lose_none(bench):
    await asyncio.gather(*(bench.accept(f"m{n}", claim=False) for n in range(50)))
    session_id = await bench.eyes.fetchval("select id from sessions")
    expected = [text for _, _, text in await bench.transcript(session_id)]
    heard = []
    turn = await bench.store.load(bench.channel.tenant_id, session_id)
    while turn is not None:
        heard.append(turn.entry.content)
        turn = (await bench.commit(turn)).next
    assert heard == expected
    assert len(heard) == 50


async def test_a_late_worker_cannot_write(bench):
    accepted = await bench.short.accept(bench.inbound("hello"), claim=True)
    assert accepted.turn is not None
    await lease_ended(bench, accepted.session_id)
    rescued = await bench.store.load(bench.channel.tenant_id, accepted.session_id)
    assert rescued is not None
    assert rescued.entry.attempt == 2
    for write in (
        bench.store.commit(accepted.turn, outcome("late"), claim_next=True),
        bench.store.checkpoint(accepted.turn, NewState({"late": True})),
        bench.store.renew(accepted.turn),
    ):
        with pytest.raises(LeaseLost):
            await write
    await bench.commit(rescued, "in time")
    with pytest.raises(LeaseLost):
        await bench.store.checkpoint(accepted.turn, NewState({"late": True}))
    assert [text for _, _, text in await bench.transcript(accepted.session_id)] == ["hello", "in time"]


async def test_a_renewed_lease_outlives_its_first_end(bench):
    accepted = await bench.short.accept(bench.inbound("hello"), claim=True)
    await bench.store.renew(accepted.turn)
    await bench.eyes.execute("select pg_sleep(0.15)")
    assert await bench.store.load(bench.channel.tenant_id, accepted.session_id) is None


async def test_a_commit_whose_answer_was_lost_may_be_sent_again(bench):
    turn = await bench.claimed()
    said = outcome("hi")
    await bench.store.commit(turn, said, claim_next=True)
    assert (await bench.store.commit(turn, said, claim_next=True)).next is None
    assert [text for _, _, text in await bench.transcript(turn.session.id)] == ["hello", "hi"]


async def test_a_lost_version_race_writes_nothing(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "hi", flow="f", data={"n": 1})
    turn = await bench.claimed("again")
    await bench.eyes.execute("update conversation_state set version = version + 1")
    with pytest.raises(VersionRace):
        await bench.commit(turn, "wrong", flow="f", data={"n": 2})
    await bench.store.retry(turn, after=timedelta(), error="race")
    rerun = await bench.store.load(bench.channel.tenant_id, turn.session.id)
    assert rerun.state.data == {"n": 1}
    assert rerun.state.version == turn.state.version + 1
    await bench.commit(rerun, "right", flow="f", data={"n": 2})
    assert [text for _, _, text in await bench.transcript(turn.session.id)] == [
        "hello",
        "hi",
        "again",
        "right",
    ]


async def test_a_checkpoint_is_seen_by_the_next_attempt_of_its_entry_only(bench):
    turn = await bench.claimed()
    await bench.store.checkpoint(turn, NewState({"call": "done"}, "f", "1"))
    await bench.store.retry(turn, after=timedelta(), error="crashed")
    second = await bench.store.load(bench.channel.tenant_id, turn.session.id)
    assert second.state.checkpoint == {"call": "done"}
    assert second.state.data == {}
    await bench.commit(second, "hi", flow="f", data={"x": 1})
    third = await bench.claimed("next")
    assert third.state.checkpoint is None
    assert third.state.data == {"x": 1}


async def test_while_an_entry_waits_to_be_tried_again_later_ones_wait_too(bench):
    turn = await bench.claimed("one")
    await bench.accept("two")
    await bench.store.retry(turn, after=timedelta(hours=1), error="down")
    assert await bench.store.load(bench.channel.tenant_id, turn.session.id) is None
    assert (await bench.accept("three")).turn is None


async def test_a_dead_letter_leaves_an_apology_the_state_and_a_lane_that_goes_on(bench):
    await bench.commit(await bench.claimed("start"), "hi", flow="f", data={"n": 1})
    turn = await bench.claimed("poison")
    await bench.accept("next")
    apology = Outcome((NewMessage(uuid7(), "sorry"),), None, error="boom")
    buried = await bench.store.bury(turn, apology, claim_next=True)
    assert buried.next.entry.content == "next"
    assert buried.next.state.data == {"n": 1}
    row = await bench.eyes.fetchrow("select status, error from inbox where status = 'dead'")
    assert tuple(row) == ("dead", "boom")
    assert await bench.eyes.fetchval("select status from messages where content = 'poison'") == "failed"


async def test_the_placeholder_becomes_the_first_reply(bench):
    accepted = await bench.accept("hello", wants_reply=True)
    first = NewMessage(accepted.reply_id, "one")
    second = NewMessage(uuid7(), "two")
    committed = await bench.store.commit(
        accepted.turn, Outcome((first, second), NewState({})), claim_next=True
    )
    assert [(m.id, m.seq, m.change) for m in committed.messages] == [
        (accepted.reply_id, 2, 2),
        (second.id, 3, 3),
    ]
    assert len(await bench.transcript(accepted.session_id)) == 3


async def test_a_turn_without_a_reply_completes_the_placeholder_unseen(bench):
    accepted = await bench.accept("hello", wants_reply=True)
    await bench.commit(accepted.turn, reason="joined")
    row = await bench.eyes.fetchrow(
        "select status, reason, seq from messages where id = $1", accepted.reply_id
    )
    assert tuple(row) == ("completed", "joined", None)


async def test_two_people_in_one_thread_have_two_sessions(bench):
    asked = await bench.claimed("balance", user="ada", thread_key="C1:17")
    await bench.commit(asked, "which account?", flow="f", data={"asks": "account"})
    other = await bench.claimed("current", user="eve", thread_key="C1:17")
    assert other.session.id != asked.session.id
    assert other.state.flow is None
    back = await bench.claimed("current", user="ada", thread_key="C1:17")
    assert back.session.id == asked.session.id
    assert back.state.flow == "f"


async def test_silence_closes_a_session_and_the_next_message_opens_a_new_one(bench):
    first = await bench.claimed()
    await bench.commit(first, "hi")
    bench.clock.advance(timedelta(minutes=29))
    same = await bench.claimed()
    await bench.commit(same, "hi")
    bench.clock.advance(timedelta(minutes=31))
    anew = await bench.claimed()
    assert same.session.id == first.session.id
    assert anew.session.id != first.session.id
    row = await bench.eyes.fetchrow("select status, end_reason from sessions where id = $1", first.session.id)
    assert tuple(row) == ("closed", "idle")


async def test_an_answer_three_days_later_finds_its_question(bench):
    turn = await bench.claimed("balance")
    await bench.commit(turn, "which?", flow="f", data={"asks": 1}, parked_for=timedelta(days=7))
    bench.clock.advance(timedelta(days=3))
    answer = await bench.claimed("current")
    assert answer.session.id == turn.session.id
    assert answer.state.data == {"asks": 1}


async def test_a_parked_flow_that_nobody_comes_back_to_is_abandoned(bench):
    turn = await bench.claimed("balance")
    await bench.commit(turn, "which?", flow="f", parked_for=timedelta(days=7))
    bench.clock.advance(timedelta(days=8))
    assert (await bench.claimed("hello")).session.id != turn.session.id
    assert (
        await bench.eyes.fetchval("select end_reason from sessions where id = $1", turn.session.id)
        == "abandoned"
    )


async def test_a_session_with_work_waiting_is_not_closed_by_silence(bench):
    accepted = await bench.accept("one", claim=False)
    bench.clock.advance(timedelta(days=30))
    assert (await bench.accept("two", claim=False)).session_id == accepted.session_id


async def test_ending_closes_the_session(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "bye", close=True)
    assert (await bench.claimed("hello")).session.id != turn.session.id


async def test_a_session_that_was_closed_meanwhile_takes_the_turn_under_way_and_stays_closed(bench):
    turn = await bench.claimed("hello")
    await bench.eyes.execute(
        "update sessions set status = 'closed', ended_at = now(), end_reason = 'abandoned'"
    )
    await bench.commit(turn, "in time")
    closed = await bench.eyes.fetchrow("select status, end_reason, ended_at from sessions")
    assert (closed["status"], closed["end_reason"], closed["ended_at"] is not None) == (
        "closed",
        "abandoned",
        True,
    )
    assert [text for _, _, text in await bench.transcript(turn.session.id)] == ["hello", "in time"]


async def test_in_a_sensitive_flow_input_is_stored_sealed_and_then_plain_or_redacted(bench):
    await bench.commit(
        await bench.claimed("start"), "number?", flow="f", data={"a": "secret"}, sensitive=True
    )
    turn = await bench.claimed("4711", payload={"n": 4711}, raw_payload={"raw": "4711"})
    stored = await bench.eyes.fetchrow("select * from messages where id = $1", turn.entry.message_id)
    assert (stored["content"], stored["raw_payload"]) == ("", None)
    assert b"4711" not in stored["sealed"]
    assert turn.entry.content == "4711"
    assert turn.entry.payload == {"n": 4711}
    await bench.commit(turn, "thanks", flow="f", data={"a": "secret"}, sensitive=True, redact_input=True)
    plain = await bench.claimed("nice weather", raw_payload={"raw": "x"})
    await bench.commit(plain, "indeed", flow="f", sensitive=True)
    rows = await bench.eyes.fetch(
        "select content, sealed, raw_payload::text from messages where sender_type = 'user' order by seq"
    )
    assert [tuple(row) for row in rows[1:]] == [
        ("[sensitive]", None, None),
        ("nice weather", None, '{"raw": "x"}'),
    ]


async def test_state_of_a_sensitive_flow_is_unreadable_in_the_database_and_opens_for_the_next_turn(bench):
    turn = await bench.claimed()
    await bench.store.checkpoint(turn, NewState({"pin": "9999"}, "f", "1", None, sensitive=True))
    await bench.store.retry(turn, after=timedelta(), error="crashed")
    again = await bench.store.load(bench.channel.tenant_id, turn.session.id)
    assert again.state.checkpoint == {"pin": "9999"}
    await bench.commit(again, "ok", flow="f", data={"pin": "4711"}, sensitive=True)
    row = await bench.eyes.fetchrow("select data::text, sealed, checkpoint_sealed from conversation_state")
    assert row["data"] == "{}"
    assert b"4711" not in row["sealed"]
    assert row["checkpoint_sealed"] is None
    assert (await bench.claimed("next")).state.data == {"pin": "4711"}


async def test_a_damaged_state_is_told_and_set_aside_when_the_turn_starts_anew(bench):
    await bench.commit(await bench.claimed(), "ok", flow="f", data={"pin": "1"}, sensitive=True)
    await bench.eyes.execute(
        "update conversation_state set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)"
    )
    turn = await bench.claimed("next")
    assert turn.state.damage is not None
    assert turn.state.data == {}
    await bench.commit(turn, "afresh", damage=turn.state.damage)
    aside = await bench.eyes.fetchrow("select reason, state->>'flow' as flow, sealed from damaged_states")
    assert aside["flow"] == "f"
    assert aside["sealed"] is not None
    assert (await bench.claimed("more")).state.damage is None


async def test_a_sensitive_reply_is_sealed(bench):
    turn = await bench.claimed()
    reply = NewMessage(uuid7(), "your pin is 4711", sensitive=True)
    committed = await bench.store.commit(turn, Outcome((reply,), NewState({})), claim_next=True)
    row = await bench.eyes.fetchrow("select content, sealed from messages where id = $1", reply.id)
    assert row["content"] == ""
    assert b"4711" not in row["sealed"]
    assert committed.messages[0].content == "your pin is 4711"


async def test_every_visible_change_of_a_session_has_its_own_number(bench):
    first = await bench.claimed("one")
    one = await bench.commit(first, "a", "b")
    poison = await bench.claimed("two")
    dead = await bench.store.bury(
        poison, Outcome((NewMessage(uuid7(), "sorry"),), None, error="x"), claim_next=True
    )
    assert [m.change for m in one.messages] == [2, 3]
    assert [m.change for m in dead.messages] == [6]
    rows = await bench.eyes.fetch("select change from messages order by change")
    assert [row["change"] for row in rows] == [1, 2, 3, 5, 6]


async def test_an_action_carries_its_payload(bench):
    turn = await bench.claimed("Savings", kind=EntryKind.ACTION, payload={"action": "ask:1"})
    assert turn.entry.kind is EntryKind.ACTION
    assert turn.entry.payload == {"action": "ask:1"}


async def test_a_user_is_known_by_platform_and_id_and_keeps_locale_and_profile(bench):
    inbound = bench.inbound("hi")
    sighting = Sighting("eve", "de", {"name": "Eve"})
    accepted = await bench.store.accept(type(inbound)(inbound.channel, sighting, ("k",), "hi"), claim=True)
    assert accepted.turn.session.locale == "de"
    assert accepted.turn.session.profile == {"name": "Eve"}


async def test_a_channels_own_time_of_silence_holds_after_the_first_answer_too(bench):
    patient = replace(bench.channel, settings={"idle_minutes": 240})
    first = await bench.store.accept(replace(bench.inbound("hello"), channel=patient), claim=True)
    await bench.commit(first.turn, "hi")
    bench.clock.advance(timedelta(hours=3))
    second = await bench.store.accept(replace(bench.inbound("again"), channel=patient), claim=True)
    assert second.session_id == first.session_id
    await bench.commit(second.turn, "hi")
    bench.clock.advance(timedelta(hours=5))
    third = await bench.store.accept(replace(bench.inbound("again"), channel=patient), claim=True)
    assert third.session_id != first.session_id


async def test_what_a_platform_says_anew_of_a_user_is_kept_and_silence_forgets_nothing(bench):
    inbound = bench.inbound("hi")
    for sighting in (Sighting("eve", "de", {"name": "Eve"}), Sighting("eve", "fr", {"zone": "CET"})):
        await bench.store.accept(replace(inbound, user=sighting, dedupe_keys=(sighting.locale,)), claim=False)
    await bench.store.accept(replace(inbound, user=Sighting("eve"), dedupe_keys=("plain",)), claim=False)
    turn = await bench.store.load(
        bench.channel.tenant_id, await bench.eyes.fetchval("select id from sessions")
    )
    assert turn.session.locale == "fr"
    assert turn.session.profile == {"name": "Eve", "zone": "CET"}


async def test_the_same_key_twice_in_one_event_is_one_key(bench):
    first = await bench.accept("hello", "ts", "ts")
    again = await bench.store.accept(bench.inbound("hello", "ts", "ts"), claim=True)
    assert isinstance(again, Duplicate)
    assert again.message_id == first.message.id


async def test_a_dead_letter_keeps_no_secret_that_came_before_it_could_be_sealed(bench):
    turn = await bench.claimed("4111 1111", payload={"n": "4111"}, raw_payload={"raw": "4111"})
    apology = Outcome((NewMessage(uuid7(), "sorry"),), None, error="boom", redact_input=True)
    await bench.store.bury(turn, apology, claim_next=True)
    row = await bench.eyes.fetchrow("select content, raw_payload from messages where sender_type = 'user'")
    assert tuple(row) == ("[sensitive]", None)
    assert await bench.eyes.fetchval("select payload from inbox") is None


async def test_a_user_whose_key_is_damaged_starts_anew_and_the_lane_goes_on(bench):
    await bench.commit(await bench.claimed("start"), "ok", flow="f", data={"pin": "1"}, sensitive=True)
    await bench.commit(await bench.claimed("more"), "ok", flow="f", data={"pin": "1"}, sensitive=True)
    waiting = await bench.accept("waits", claim=False)
    user_id = waiting.user_id
    await bench.owner.execute(
        "update user_keys set wrapped_key = set_byte(wrapped_key, 40, get_byte(wrapped_key, 40) # 1)"
    )
    bench.vault.forget_user(bench.channel.tenant_id, user_id)
    turn = await bench.store.load(bench.channel.tenant_id, waiting.session_id)
    assert turn.state.damage is not None
    await bench.commit(turn, "afresh", damage=turn.state.damage)
    assert (await bench.claimed("next")).state.damage is None
