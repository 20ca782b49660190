"""Users who are one person: links as commits write them, what follows from them, and a flow taken up elsewhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from turn_stores import MODES
from turn_stores import bench as open_bench

from storage.errors import MovedOn, Unavailable
from storage.events import Events, Posted
from storage.ids import uuid7
from storage.links import Links
from storage.outcomes import Flag, Hand, Link, SentEvent, TakenUp, Timer
from storage.records import EntryKind
from storage.user_flags import UserFlags


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


@pytest.fixture
def links(bench):
    return Links(bench.database, bench.vault, bench.clock)


@pytest.fixture
def flags(bench):
    return UserFlags(bench.database, bench.vault)


async def users(bench, *names):
    """Somebody each, with a session in which nothing is under way; their turns."""
    turns = []
    for name in names:
        turn = await bench.claimed(user=name)
        await bench.commit(turn, "ok")
        turns.append(turn)
    return turns


async def link(bench, name, *others):
    turn = await bench.claimed("yes", user=name)
    await bench.commit(turn, "linked", links=tuple(Link(other.session.user_id) for other in others))


async def person(links, turn):
    return await links.linked(turn.session.tenant_id, turn.session.user_id)


def ids(*turns):
    return frozenset(turn.session.user_id for turn in turns)


async def test_a_commit_links_both_ways_once_and_the_next_claim_knows(bench, links):
    ada, phone = await users(bench, "ada", "phone")
    assert await person(links, ada) == ids(ada)
    await link(bench, "ada", phone)
    await link(bench, "phone", ada)
    rows = await bench.eyes.fetch("select user_id, linked_user_id, proof, ended_at from identity_links")
    (row,) = rows
    assert (row["proof"], row["ended_at"]) == ("one_time_code", None)
    assert {row["user_id"], row["linked_user_id"]} == ids(ada, phone)
    assert await person(links, ada) == await person(links, phone) == ids(ada, phone)
    assert (await bench.claimed(user="ada")).session.linked
    assert (await bench.claimed(user="phone")).session.linked
    assert not (await bench.claimed(user="eve")).session.linked


async def test_a_claim_of_a_waiting_entry_and_one_that_rides_on_the_commit_know_too(bench):
    _, phone = await users(bench, "ada", "phone")
    turn = await bench.claimed(user="ada")
    await bench.accept("and then", user="ada")
    committed = await bench.commit(turn, "ok", links=(Link(phone.session.user_id),))
    assert committed.next is not None
    assert committed.next.session.linked
    await bench.commit(committed.next, "ok", claim_next=False)
    await bench.accept("more", user="phone", claim=False)
    loaded = await bench.store.load(phone.session.tenant_id, phone.session.id)
    assert loaded is not None
    assert loaded.session.linked


async def test_two_who_link_each_other_at_once_are_linked_once(bench, links):
    ada, phone = await users(bench, "ada", "phone")
    one, two = await bench.claimed(user="ada"), await bench.claimed(user="phone")
    await asyncio.gather(
        committed_in_the_end(bench, one, links=(Link(phone.session.user_id),)),
        committed_in_the_end(bench, two, links=(Link(ada.session.user_id),)),
    )
    assert await bench.eyes.fetchval("select count(*) from identity_links") == 1
    assert await person(links, ada) == ids(ada, phone)


async def committed_in_the_end(bench, turn, **more):
    """Commit as a worker does: again where Postgres ended one of two that waited for one another."""
    for _ in range(5):
        try:
            return await bench.commit(turn, "ok", claim_next=False, **more)
        except Unavailable:
            continue
    raise AssertionError("not committed")


async def test_linked_users_are_one_person_over_any_number_of_links_up_to_ten(bench, links):
    names = [f"user-{n}" for n in range(13)]
    turns = await users(bench, *names)
    for earlier, name in zip(turns, names[1:], strict=False):
        await link(bench, name, earlier)
    assert await person(links, turns[0]) == ids(*turns[:10])
    assert len(await person(links, turns[6])) == 10


async def test_whom_a_platform_knows_by_an_address_is_linked_and_made_if_new(bench, links):
    (ada,) = await users(bench, "ada")
    tenant_id = ada.session.tenant_id
    assert await links.known(tenant_id, "whatsapp", "+441632960961") is None
    for _ in range(2):
        await bench.commit(
            await bench.claimed(user="ada"), "ok", links=(Link(uuid7(), "whatsapp", "+441632960961"),)
        )
    made = await links.known(tenant_id, "whatsapp", "+441632960961")
    assert made is not None
    assert await person(links, ada) == ids(ada) | {made}
    assert await bench.eyes.fetchval("select count(*) from identity_links") == 1


async def test_nobody_is_linked_to_themselves_or_to_another_tenants_user(bench, links):
    (ada,) = await users(bench, "ada")
    stranger = uuid7()
    neighbour = uuid7()
    await bench.owner.execute(
        "insert into tenants (tenant_id, slug, name) values ($1, 'other', 'Other')", neighbour
    )
    await bench.owner.execute(
        "insert into users (tenant_id, id, platform, external_id, created_at) values ($1, $2, 'web', 'x', now())",
        neighbour,
        stranger,
    )
    for other in (ada.session.user_id, stranger, uuid7()):
        await bench.commit(await bench.claimed(user="ada"), "ok", links=(Link(other),))
    assert await person(links, ada) == ids(ada)
    assert not (await bench.claimed(user="ada")).session.linked


async def test_parting_one_ends_its_links_which_stay_as_history_and_may_be_made_again(bench, links):
    ada, phone, slack = await users(bench, "ada", "phone", "slack")
    await link(bench, "ada", phone, slack)
    await bench.commit(await bench.claimed(user="ada"), "ok", parted=(phone.session.user_id,))
    assert await person(links, ada) == ids(ada, slack)
    assert await person(links, phone) == ids(phone)
    assert await bench.eyes.fetchval("select count(*) from identity_links where ended_at is not null") == 1
    assert (await bench.claimed(user="ada")).session.linked
    assert not (await bench.claimed(user="phone")).session.linked


async def test_after_parting_the_same_two_can_be_linked_again(bench, links):
    ada, phone = await users(bench, "ada", "phone")
    await link(bench, "ada", phone)
    await bench.commit(await bench.claimed(user="phone"), "ok", parted=(phone.session.user_id,))
    assert await person(links, ada) == ids(ada)
    await link(bench, "ada", phone)
    assert await person(links, ada) == ids(ada, phone)
    assert await bench.eyes.fetchval("select count(*) from identity_links") == 2


async def test_nobody_parts_other_people(bench, links):
    ada, phone, _eve = await users(bench, "ada", "phone", "eve")
    await link(bench, "ada", phone)
    await bench.commit(await bench.claimed(user="eve"), "ok", parted=(phone.session.user_id,))
    assert await person(links, ada) == ids(ada, phone)


async def test_flags_are_those_of_all_selves_and_the_newest_counts(bench, links, flags):
    ada, phone = await users(bench, "ada", "phone")
    await bench.commit(
        await bench.claimed(user="ada"),
        "ok",
        flags=(Flag("tea", "green"), Flag("pin", "4711", sensitive=True)),
    )
    bench.clock.advance(timedelta(minutes=1))
    await bench.commit(await bench.claimed(user="phone"), "ok", flags=(Flag("tea", "black"), Flag("cup", 1)))
    mine = (ada.session.tenant_id, ada.session.user_id)
    theirs = (phone.session.tenant_id, phone.session.user_id)
    assert {name: flag.value for name, flag in (await flags.read(*mine)).items()} == {
        "tea": "green",
        "pin": "4711",
    }
    await link(bench, "ada", phone)
    shared = {
        "tea": Flag("tea", "black"),
        "cup": Flag("cup", 1),
        "pin": Flag("pin", "4711", sensitive=True),
    }
    assert await flags.read(*mine) == await flags.read(*theirs) == shared
    await bench.commit(await bench.claimed(user="phone"), "ok", parted=(ada.session.user_id,))
    assert (await flags.read(*mine))["tea"].value == "green"
    assert "pin" not in await flags.read(*theirs)


async def test_forgetting_forgets_at_all_selves_and_at_nobody_else(bench, flags):
    ada, phone, eve = await users(bench, "ada", "phone", "eve")
    for name in ("ada", "phone", "eve"):
        await bench.commit(await bench.claimed(user=name), "ok", flags=(Flag("tea", name),))
    await link(bench, "ada", phone)
    await bench.commit(await bench.claimed(user="phone"), "ok", flags=(Flag("tea", None),))
    for turn in (ada, phone):
        assert await flags.read(turn.session.tenant_id, turn.session.user_id) == {}
    assert (await flags.read(eve.session.tenant_id, eve.session.user_id))["tea"].value == "eve"


async def test_a_self_that_cannot_be_opened_hides_no_older_value(bench, flags):
    ada, phone = await users(bench, "ada", "phone")
    await bench.commit(await bench.claimed(user="ada"), "ok", flags=(Flag("pin", "1"),))
    bench.clock.advance(timedelta(minutes=1))
    await bench.commit(await bench.claimed(user="phone"), "ok", flags=(Flag("pin", "2", sensitive=True),))
    await link(bench, "ada", phone)
    await bench.owner.execute(
        "update user_flags set sealed = overlay(sealed placing 'xx' from 40) where sealed is not null"
    )
    assert (await flags.read(ada.session.tenant_id, ada.session.user_id))["pin"].value == "1"


async def test_a_self_is_shown_with_what_it_has_under_way_and_how_much_is_remembered(bench, links):
    ada, phone = await users(bench, "ada", "phone")
    tenant_id, whose = ada.session.tenant_id, phone.session.user_id
    assert await links.standing(tenant_id, whose) == []
    turn = await bench.claimed(user="phone", thread_key="t")
    await bench.commit(
        turn,
        "How much?",
        flow="loan",
        data={"x": 1},
        parked_for=timedelta(days=7),
        sensitive=True,
        flags=(Flag("tea", 1),),
    )
    (found,) = await links.selves(tenant_id, [whose])
    assert (found.platform, found.external_id, found.remembered) == ("web", "phone", 1)
    (waiting,) = await links.standing(tenant_id, whose)
    assert (waiting.session.id, waiting.since) == (turn.session.id, bench.clock())
    assert waiting.state.data == {"x": 1}


async def parked_at(bench, name="phone", *, sensitive=False, timers=()):
    """A flow of somebody's that waits; its session's turn."""
    turn = await bench.claimed(user=name)
    data = {"format": 1, "frames": [], "of": name}
    await bench.commit(
        turn,
        "How much?",
        flow="loan",
        data=data,
        parked_for=timedelta(days=7),
        sensitive=sensitive,
        timers=timers,
    )
    return turn


@pytest.fixture
async def parked(bench):
    """Ada's phone has something under way; nothing is under way where she sits now."""
    ada, phone = await users(bench, "ada", "phone")
    await link(bench, "ada", phone)
    await parked_at(bench)
    return ada, phone


async def found(links, turn):
    return await links.parked(turn.session.tenant_id, turn.session.user_id)


def taking(waiting):
    return TakenUp(waiting.session.id, waiting.state.version, "Continued on the web.")


async def take_up(bench, name, waiting, **more):
    turn = await bench.claimed("yes", user=name)
    return turn, await bench.commit(
        turn,
        "How much?",
        flow="loan",
        data=dict(waiting.state.data),
        parked_for=timedelta(days=7),
        taken_up=taking(waiting),
        **more,
    )


@pytest.mark.parametrize("sensitive", [False, True], ids=["plain", "sealed"])
async def test_what_a_linked_self_has_parked_is_found_opened_and_by_nobody_else(
    bench, links, parked, sensitive
):
    ada, phone = parked
    await parked_at(bench, sensitive=sensitive)
    (waiting,) = await found(links, ada)
    assert (waiting.session.id, waiting.session.external_user_id) == (phone.session.id, "phone")
    assert waiting.state.data["of"] == "phone"
    assert waiting.since == bench.clock()
    assert await found(links, phone) == []
    (eve,) = await users(bench, "eve")
    assert await found(links, eve) == []
    await bench.commit(await bench.claimed(user="phone"), "ok", parted=(phone.session.user_id,), state=None)
    assert await found(links, ada) == []


async def test_only_idle_open_sessions_in_the_bots_hands_are_found(bench, links, parked):
    ada, phone = parked
    busy = await bench.claimed("500", user="phone")
    assert await found(links, ada) == []
    await bench.commit(busy, "ok", state=None, hand=Hand(to_person=True))
    assert await found(links, ada) == []
    await bench.owner.execute(
        "update sessions set status = 'active', owner = null, handed_over_at = null, handoff_reason = null"
    )
    assert len(await found(links, ada)) == 1
    bench.clock.advance(timedelta(days=8))
    assert await found(links, ada) == [], "its patience is over"
    assert phone.session.id != ada.session.id


async def test_taking_up_empties_the_other_session_and_says_so_there(bench, links, parked):
    ada, phone = parked
    due = bench.clock() + timedelta(hours=1)
    await parked_at(bench, timers=(Timer(uuid7(), due),))
    change = await bench.eyes.fetchval("select last_change from sessions where id = $1", phone.session.id)
    (waiting,) = await found(links, ada)
    timer = Timer(uuid7(), due)
    turn, _ = await take_up(bench, "ada", waiting, timers=(timer,))
    row = await bench.eyes.fetchrow(
        "select flow, data, sealed, version from conversation_state where session_id = $1", phone.session.id
    )
    assert tuple(row) == (None, "{}", None, waiting.state.version + 1)
    session = await bench.eyes.fetchrow("select * from sessions where id = $1", phone.session.id)
    assert (session["parked"], session["timed"], session["seals_input"]) == (False, False, False)
    assert session["last_change"] == change + 1
    assert (await bench.transcript(phone.session.id))[-1][1:] == ("system", "Continued on the web.")
    timers = await bench.eyes.fetch("select id, session_id from timers")
    assert [tuple(each) for each in timers] == [(timer.id, turn.session.id)]
    assert await found(links, ada) == []
    (back,) = await found(links, phone)
    assert back.state.data["of"] == "phone"


async def test_of_two_chats_that_take_up_the_same_at_once_one_has_it(bench, links, parked):
    ada, phone = parked
    (slack,) = await users(bench, "slack")
    await link(bench, "slack", phone)
    (waiting,) = await found(links, ada)
    assert [each.session.id for each in await found(links, slack)] == [phone.session.id]
    results = await asyncio.gather(
        take_up(bench, "ada", waiting), take_up(bench, "slack", waiting), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["MovedOn", "tuple"]
    flows = await bench.eyes.fetch("select session_id from conversation_state where flow = 'loan'")
    assert len(flows) == 1
    assert flows[0]["session_id"] in (ada.session.id, slack.session.id)


async def test_a_turn_that_lost_what_it_was_to_take_up_writes_nothing_and_runs_again(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    answer = await bench.accept("500", user="phone", claim=False)
    turn = await bench.claimed("yes", user="ada")
    with pytest.raises(MovedOn):
        await bench.commit(turn, "How much?", flow="loan", taken_up=taking(waiting))
    assert (await bench.transcript(ada.session.id))[-1][1:] == ("user", "yes")
    await bench.store.retry(turn, after=timedelta(), error="gone on")
    again = await bench.store.load(ada.session.tenant_id, ada.session.id)
    assert again is not None
    assert again.entry.id == turn.entry.id
    answered = await bench.store.load(phone.session.tenant_id, phone.session.id)
    assert answered is not None
    assert (answered.entry.message_id, answered.state.flow) == (answer.message.id, "loan")


async def test_an_answer_that_comes_while_another_chat_takes_up_is_not_lost(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    turn = await bench.claimed("yes", user="ada")

    async def take() -> bool:
        try:
            await bench.commit(turn, "How much?", flow="loan", data={"of": "phone"}, taken_up=taking(waiting))
        except MovedOn:
            return False
        return True

    taken, answer = await asyncio.gather(take(), bench.accept("500", user="phone", claim=True))
    assert answer.turn is not None
    # Either it went to the flow where that was, or it came to a session where nothing was any more.
    assert (answer.turn.state.flow == "loan") is not taken
    assert answer.turn.session.id == phone.session.id


async def test_two_chats_that_take_up_each_others_at_once_end_with_both_flows_somewhere(bench, links, parked):
    ada, _phone = parked
    await parked_at(bench, "ada")
    (from_phone,) = await found(links, ada)
    (from_ada,) = await found(links, _phone)
    one, two = await bench.claimed("yes", user="ada"), await bench.claimed("yes", user="phone")
    results = await asyncio.gather(
        taken_in_the_end(bench, one, from_phone), taken_in_the_end(bench, two, from_ada)
    )
    # Neither session is idle while its own turn is under way.
    assert results == [False, False]
    assert await bench.eyes.fetchval("select count(*) from conversation_state where flow = 'loan'") == 2


async def taken_in_the_end(bench, turn, waiting):
    try:
        await committed_in_the_end(bench, turn, flow="loan", taken_up=taking(waiting))
    except MovedOn:
        return False
    return True


async def test_what_is_parted_or_closed_meanwhile_cannot_be_taken_up(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    turn = await bench.claimed("yes", user="ada")
    await bench.owner.execute("update identity_links set ended_at = now()")
    with pytest.raises(MovedOn):
        await bench.commit(turn, "How much?", flow="loan", taken_up=taking(waiting))
    await bench.owner.execute("update identity_links set ended_at = null")
    await bench.owner.execute(
        "update sessions set status = 'closed', ended_at = now(), end_reason = 'ended' where id = $1",
        phone.session.id,
    )
    with pytest.raises(MovedOn):
        await bench.commit(turn, "How much?", flow="loan", taken_up=taking(waiting))


async def test_what_was_answered_there_since_it_was_read_is_not_taken_up_as_it_was(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    await parked_at(bench)
    turn = await bench.claimed("yes", user="ada")
    with pytest.raises(MovedOn):
        await bench.commit(turn, "How much?", flow="loan", taken_up=taking(waiting))
    (now,) = await found(links, ada)
    assert (now.session.id, now.state.version) == (phone.session.id, waiting.state.version + 1)


async def test_events_for_sessions_that_took_up_from_one_another_end_where_it_was_last(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    await take_up(bench, "ada", waiting)
    (back,) = await found(links, phone)
    await take_up(bench, "phone", back)
    await bench.commit(await bench.claimed("500", user="phone"), "Done.")
    events = Events(bench.database, bench.vault, bench.clock)
    for n, turn in enumerate((ada, phone)):
        posted = await events.post(ada.session.tenant_id, turn.session.id, "paid", n, key="k")
        assert posted is Posted.ACCEPTED
    assert (
        await bench.eyes.fetchval("select count(*) from inbox where session_id = $1", phone.session.id) == 2
    )


async def test_a_commit_sent_again_takes_up_once(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    turn, _ = await take_up(bench, "ada", waiting)
    again = await bench.commit(turn, "How much?", flow="loan", taken_up=taking(waiting))
    assert again.messages == ()
    said = [content for _, sender, content in await bench.transcript(phone.session.id) if sender == "system"]
    assert said == ["Continued on the web."]


@pytest.mark.parametrize("sensitive", [False, True], ids=["plain", "sealed"])
async def test_an_event_for_the_session_that_it_left_follows_the_flow_there_and_back(
    bench, links, parked, sensitive
):
    ada, phone = parked
    tenant_id = ada.session.tenant_id
    events = Events(bench.database, bench.vault, bench.clock)
    (waiting,) = await found(links, ada)
    turn, _ = await take_up(bench, "ada", waiting, sensitive=sensitive)
    assert await events.post(tenant_id, phone.session.id, "paid", 1, key="k") is Posted.ACCEPTED
    assert await events.post(tenant_id, phone.session.id, "paid", 1, key="k") is Posted.DUPLICATE
    here = await bench.store.load(tenant_id, turn.session.id)
    assert here is not None
    assert (here.entry.kind, here.entry.payload) == (EntryKind.EVENT, {"name": "paid", "value": 1})
    await bench.commit(here, "paid", state=None)
    (back,) = await found(links, phone)
    await take_up(bench, "phone", back)
    assert await events.post(tenant_id, phone.session.id, "sent", 1, key="l") is Posted.ACCEPTED
    there = await bench.store.load(tenant_id, phone.session.id)
    assert there is not None
    assert there.entry.payload == {"name": "sent", "value": 1}
    assert await events.post(tenant_id, ada.session.id, "more", 1, key="m") is Posted.ACCEPTED
    assert (
        await bench.eyes.fetchval("select count(*) from inbox where session_id = $1", phone.session.id) == 2
    )


async def test_an_event_that_a_turn_tells_to_the_session_that_it_left_follows_too(bench, links, parked):
    ada, phone = parked
    (waiting,) = await found(links, ada)
    turn, _ = await take_up(bench, "ada", waiting, sensitive=True)
    eve = await bench.claimed(user="eve")
    told = SentEvent(phone.session.id, "paid", 1, "k")
    await bench.commit(eve, "ok", events=(told,))
    here = await bench.store.load(turn.session.tenant_id, turn.session.id)
    assert here is not None
    assert here.entry.payload == {"name": "paid", "value": 1}
