"""Threads, messages and people by Slack's names: never another tenant's, channel's or conversation's."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from turn_stores import bench as open_bench
from turn_stores import outcome

from storage.durable import DurableTurnStore
from storage.outbox import Outbox
from storage.outcomes import NewState
from storage.records import Sighting
from storage.slack_messages import DELETED, WITHDRAWN, Rewriting, SlackMessages

THREAD = "C1:1.1"


@pytest.fixture
async def place(database, clock):
    async with open_bench("durable", database, clock) as bench:
        await bench.owner.execute("update channels set platform = 'slack'")
        yield Place(replace(bench, channel=replace(bench.channel, platform="slack")))


class Place:
    def __init__(self, bench):
        self.bench = bench
        self.channel = bench.channel
        self.store = DurableTurnStore(bench.database, bench.vault, bench.clock, pushed=["slack"])
        self.outbox = Outbox(bench.database, bench.vault)
        self.slack = SlackMessages(bench.database, bench.vault)

    async def say(self, text, ts, *, user="U1", thread=THREAD, claim=True):
        place = thread.partition(":")[0]
        inbound = replace(
            self.bench.inbound(text, user=user),
            channel=self.channel,
            dedupe_keys=(f"event/{place}/{ts}", f"message/{place}/{ts}"),
            thread_key=thread,
            external_message_id=ts,
            raw_payload={"ts": ts},
        )
        return await self.store.accept(inbound, claim=claim)

    async def answer(self, accepted, *external, **more):
        await self.store.commit(
            accepted.turn, outcome(*(f"reply {e}" for e in external), **more), claim_next=False
        )
        for external_id in external:
            claimed = await self.outbox.claim(self.channel.tenant_id, accepted.session_id)
            await self.outbox.sent(self.channel.tenant_id, [(claimed, external_id, False)])

    def rewriting(self, ts, text, *, user="U1", thread=THREAD, at=None):
        return Rewriting(thread.partition(":")[0], ts, user, thread, text, at)

    async def rows(self, query):
        return [tuple(row) for row in await self.bench.owner.fetch(query)]


class TestEngaged:
    async def test_a_thread_is_engaged_while_anybody_has_a_session_open_there(self, place):
        await place.say("hi", "1.1")
        assert await place.slack.is_engaged(place.channel, THREAD, "U2")
        assert not await place.slack.is_engaged(place.channel, "C1:2.2", "U2")
        assert not await place.slack.is_engaged(replace(place.channel, id=UUID(int=9)), THREAD, "U2")
        assert not await place.slack.is_engaged(replace(place.channel, tenant_id=UUID(int=9)), THREAD, "U1")

    async def test_later_only_with_who_talked_there(self, place):
        accepted = await place.say("hi", "1.1")
        await place.answer(accepted, close=True)
        assert await place.slack.is_engaged(place.channel, THREAD, "U1")
        assert not await place.slack.is_engaged(place.channel, THREAD, "U2")
        assert not await place.slack.has_open(place.channel, THREAD, "U1")


class TestShown:
    async def test_a_reply_is_found_by_each_of_its_parts(self, place):
        await place.answer(await place.say("hi", "1.1"), "5.1,5.2")
        for ts in ("5.1", "5.2"):
            shown = await place.slack.shown(place.channel, "C1", ts)
            assert (shown.asked, shown.thread_key, shown.content) == ("U1", THREAD, "reply 5.1,5.2")

    async def test_the_same_ts_in_two_conversations_is_two_messages(self, place):
        await place.answer(await place.say("hi", "1.1"), "5.1")
        await place.answer(await place.say("hi", "2.2", user="U2", thread="D7"), "5.1")
        assert (await place.slack.shown(place.channel, "C1", "5.1")).asked == "U1"
        assert (await place.slack.shown(place.channel, "D7", "5.1")).asked == "U2"
        assert await place.slack.shown(place.channel, "C9", "5.1") is None

    async def test_nobody_elses_is_found(self, place):
        await place.answer(await place.say("hi", "1.1"), "5.1")
        for other in (replace(place.channel, id=UUID(int=9)), replace(place.channel, tenant_id=UUID(int=9))):
            assert await place.slack.shown(other, "C1", "5.1") is None


class TestRewriting:
    async def test_a_change_takes_the_next_number_of_its_session(self, place):
        await place.answer(await place.say("helo", "1.1"), "5.1")
        assert await place.slack.rewrite(place.channel, place.rewriting("1.1", "hello"))
        assert await place.rows("select content, change from messages where sender_type = 'user'") == [
            ("hello", 3)
        ]
        assert await place.rows("select last_change from sessions") == [(3,)]

    async def test_nothing_of_others_changes(self, place):
        await place.say("hi", "1.1")
        for other in (replace(place.channel, id=UUID(int=9)), replace(place.channel, tenant_id=UUID(int=9))):
            assert not await place.slack.rewrite(other, place.rewriting("1.1", "x"))
        assert not await place.slack.rewrite(place.channel, place.rewriting("1.1", "x", thread="C2:1.1"))
        assert await place.rows("select content from messages") == [("hi",)]

    async def test_without_its_key_only_the_authors_own_is_found(self, place):
        await place.say("hi", "1.1")
        await place.bench.owner.execute("delete from inbound_keys")
        assert not await place.slack.rewrite(place.channel, place.rewriting("1.1", "x", user="U2"))
        assert not await place.slack.rewrite(place.channel, place.rewriting("1.1", "x", user=None))
        assert await place.slack.rewrite(place.channel, place.rewriting("1.1", "x"))

    async def test_of_two_edits_the_later_one_stands_in_whatever_order_they_come(self, place):
        await place.say("one", "1.1")
        edits = [place.rewriting("1.1", f"edit {n}", at=f"10.{n}") for n in range(1, 9)]
        await asyncio.gather(*(place.slack.rewrite(place.channel, each) for each in reversed(edits)))
        assert await place.rows("select content from messages") == [("edit 8",)]

    async def test_what_was_deleted_gets_no_words_again(self, place):
        await place.say("one", "1.1")
        assert await place.slack.rewrite(place.channel, place.rewriting("1.1", None))
        assert not await place.slack.rewrite(place.channel, place.rewriting("1.1", "two", at="10.1"))
        assert not await place.slack.rewrite(place.channel, place.rewriting("1.1", None))
        assert await place.rows("select content, raw_payload from messages") == [(DELETED, None)]

    async def test_a_message_deleted_while_it_waits_says_so_to_its_turn(self, place):
        await place.say("one", "1.1", claim=False)
        await place.slack.rewrite(place.channel, place.rewriting("1.1", None))
        [(tenant, session)] = await place.rows("select tenant_id, id from sessions")
        turn = await place.store.load(tenant, session)
        assert (turn.entry.content, turn.entry.payload) == (DELETED, dict(WITHDRAWN))

    async def test_a_sealed_message_stays_sealed_and_is_answered_as_edited(self, place):
        accepted = await place.say("pin", "1.1")
        await place.store.commit(
            accepted.turn, outcome(state=NewState({}, "f", "1", sensitive=True)), claim_next=False
        )
        await place.say("4711", "2.2", claim=False)
        assert await place.slack.rewrite(place.channel, place.rewriting("2.2", "4712", at="10.1"))
        assert await place.rows(
            "select content, sealed is not null, raw_payload from messages where external_message_id = '2.2'"
        ) == [("", True, None)]
        turn = await place.store.load(place.channel.tenant_id, accepted.session_id)
        assert (turn.entry.content, turn.entry.sealed) == ("4712", True)

    async def test_a_sealed_message_deleted_during_its_turn_does_not_come_back_with_the_commit(self, place):
        accepted = await place.say("pin", "1.1")
        await place.store.commit(
            accepted.turn, outcome(state=NewState({}, "f", "1", sensitive=True)), claim_next=False
        )
        taken = await place.say("my word", "2.2")
        assert await place.slack.rewrite(place.channel, place.rewriting("2.2", None))
        await place.store.commit(taken.turn, outcome("fine"), claim_next=False)
        assert await place.rows(
            "select content, sealed, raw_payload from messages where external_message_id = '2.2'"
        ) == [(DELETED, None, None)]

    async def test_while_input_is_sealed_an_edit_of_an_earlier_message_is_sealed_too(self, place):
        accepted = await place.say("pin", "1.1")
        await place.store.commit(
            accepted.turn, outcome(state=NewState({}, "f", "1", sensitive=True)), claim_next=False
        )
        assert await place.slack.rewrite(place.channel, place.rewriting("1.1", "pin 4711"))
        assert await place.rows("select content, sealed is not null from messages where seq = 1") == [
            ("", True)
        ]


class TestPeople:
    async def test_what_is_known_is_kept_and_nobody_is_made(self, place):
        await place.say("hi", "1.1")
        await place.slack.know(place.channel, Sighting("U1", "de-DE", {"name": "Ada"}))
        await place.slack.know(place.channel, Sighting("U1", None, {"tz": "Europe/Berlin"}))
        await place.slack.know(place.channel, Sighting("U2", "en-US", {"name": "Ben"}))
        rows = await place.rows("select external_id, locale, profile::text from users")
        assert rows == [("U1", "de-DE", '{"tz": "Europe/Berlin", "name": "Ada"}')]


class TestStop:
    async def test_only_the_persons_own_sessions_in_these_threads_are_stopped(self, place):
        mine = await place.say("hi", "1.1")
        await place.say("hi", "2.2", thread="C1:2.2")
        await place.say("hi", "3.3", user="U2")
        assert await place.slack.raise_cancel(place.channel, "U1", [THREAD, "C1"]) == [mine.session_id]
        assert await place.rows("select sum(cancel_seq)::int from sessions") == [(1,)]
