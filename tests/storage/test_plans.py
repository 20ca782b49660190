"""The hot statements find their rows by an index: watched in PostgreSQL's own counters, on filled tables.

Row-level security is on and the functions run as they do in production, so what is counted is the plan that
was really used; `explain` cannot look into a function.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

import pytest
from filled import SESSIONS, fill, watched
from turn_stores import bench as open_bench
from turn_stores import outcome

from storage.durable import DurableTurnStore
from storage.messages import Messages
from storage.outbox import Outbox
from storage.outcomes import NewState, Timer
from storage.queue import Queue
from storage.records import Sighting
from storage.slack_messages import Rewriting, SlackMessages
from storage.timers import Timers

# Their few rows are rightly read whole.
SMALL = {"tenants", "channels", "tenant_keys", "user_keys"}


def digest(name: str) -> UUID:
    return UUID(hashlib.md5(name.encode()).hexdigest())


@pytest.fixture
async def bench(database, clock):
    async with open_bench("durable", database, clock) as bench:
        await fill(bench)
        yield bench


async def test_a_turn_reads_no_table_whole(bench, database):
    async with watched(database.runtime_url) as eyes:
        store = DurableTurnStore(eyes, bench.vault, bench.clock, pushed=["web"])
        # A known user and a new one; an entry of a waiting lane; a repeat.
        known = await store.accept(bench.inbound("hi", user="u7"), claim=True)
        fresh = await store.accept(bench.inbound("hi", user="somebody new", wants_reply=True), claim=True)
        await store.accept(bench.inbound("hi", "k9-3", user="u9"), claim=True)
        waiting = await store.load(bench.channel.tenant_id, digest("s500"))
        assert known.turn is None
        assert waiting is not None
        for turn in (fresh.turn, waiting):
            await store.renew(turn)
            await store.checkpoint(turn, NewState({"n": 1}, "f", "1"))
            await store.commit(turn, outcome("hello", "again", flow="f", data={"n": 2}), claim_next=True)
        assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}


async def test_reading_the_transcript_reads_no_table_whole(bench, database):
    async with watched(database.runtime_url) as eyes:
        messages = Messages(eyes, bench.vault, bench.clock)
        place = (bench.channel.tenant_id, bench.channel.id, digest("u3"))
        assert len(await messages.history(*place, before=None, limit=50)) == 20
        assert len(await messages.since(*place, session_id=digest("s3"), change=12, limit=50)) == 8
        assert await messages.reply(*place, digest("m3-4")) is not None
        assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}


async def test_delivering_and_looking_for_due_work_read_no_table_whole(bench, database):
    async with watched(database.runtime_url) as eyes:
        outbox = Outbox(eyes, bench.vault)
        claimed = await outbox.claim(bench.channel.tenant_id, digest("s500"))
        assert claimed is not None
        await outbox.sent(bench.channel.tenant_id, [(claimed, "platform-id", False)])
        assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}
    async with watched(database.dispatch_url) as eyes:
        queue = Queue(eyes)
        assert len(await queue.due_turns(100)) == SESSIONS // 500
        assert len(await queue.due_deliveries(100)) == SESSIONS // 500
        assert await eyes.read_whole() == {}


async def test_timers_are_written_found_and_fired_without_reading_a_table_whole(bench, database):
    async with watched(database.runtime_url) as eyes:
        store = DurableTurnStore(eyes, bench.vault, bench.clock)
        turn = await store.load(bench.channel.tenant_id, digest("s500"))
        later = Timer(digest("a timer"), bench.clock())
        await store.commit(turn, outcome("hello", flow="f", timers=(later,)), claim_next=True)
        assert await Timers(eyes, bench.clock).fire(bench.channel.tenant_id, digest("s1000")) == 1
        # As the next message finds it and closes the session: its timers go.
        bench.clock.advance(timedelta(days=1))
        await store.accept(bench.inbound("hi", user="u500"), claim=True)
        assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}
    async with watched(database.dispatch_url) as eyes:
        bench.clock.advance(timedelta(hours=-1))
        assert len(await Queue(eyes).due_timers(bench.clock(), 100)) == SESSIONS // 500
        assert await eyes.read_whole() == {}


async def test_the_watch_sees_a_table_that_is_read_whole(bench, database):
    await bench.owner.execute("drop index messages_seq, messages_change")
    async with watched(database.runtime_url) as eyes:
        messages = Messages(eyes, bench.vault, bench.clock)
        await messages.history(bench.channel.tenant_id, bench.channel.id, digest("u3"), before=None, limit=50)
        assert (await eyes.read_whole())["messages"] > 1_000


async def test_what_slacks_events_refer_to_is_found_without_reading_a_table_whole(bench, database):
    await bench.owner.execute("update outbox set external_message_id = '17' || id || ',18' || id")
    await bench.owner.execute("update sessions set thread_key = 'D' || substr(id::text, 1, 8) || ':1.1'")
    await bench.owner.execute("update users set platform = 'slack'")
    await bench.owner.execute("analyze")
    thread = f"D{str(digest('s7'))[:8]}"
    async with watched(database.runtime_url) as eyes:
        slack, channel = SlackMessages(eyes, bench.vault), bench.channel
        assert await slack.is_engaged(channel, f"{thread}:1.1", "u9")
        assert await slack.has_open(channel, f"{thread}:1.1", "u7")
        assert (await slack.shown(channel, thread, f"18{digest('m7-20')}")).asked == "u7"
        assert await slack.rewrite(channel, Rewriting(thread, "1.2", "u7", f"{thread}:1.1", "new")) is False
        assert len(await slack.raise_cancel(channel, "u7", [f"{thread}:1.1"])) == 1
        await slack.know(channel, Sighting("u7", "de-DE", {"name": "Ada"}))
        assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}
