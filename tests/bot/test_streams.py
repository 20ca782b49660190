"""Replies that are shown while they are written, on a platform that fails as platforms fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from clocks import MovableClock
from databases import DatabaseUrls
from turn_stores import Bench
from turn_stores import bench as open_bench

from adapters.contract import Delivery, Receipt
from adapters.errors import CannotLookUp, DeliveryFailed
from bot.deliveries import DeliveryWorker
from bot.growing import Pace
from bot.streams import LiveStreams
from storage.channels import Channels
from storage.clock import Clock
from storage.database import Database
from storage.durable import DurableTurnStore
from storage.errors import Unavailable
from storage.ids import uuid7
from storage.outbox import Outbox
from storage.outcomes import NewMessage, Outcome
from storage.records import Channel, Turn
from storage.streams import Opened, Streams

BUSY = DeliveryFailed("busy", permanent=False, retry_after=0.0)
GONE = DeliveryFailed("gone", permanent=True)
NOBODY_KNOWS = DeliveryFailed("no answer", permanent=False, unsure=True)
AT_ONCE = timedelta()
QUICK = Pace(open_at=5, open_after_s=0.01, every_s=0.01, settle_s=0.2, opening_s=0.4)


@dataclass
class Platform:
    """Shows messages of at most `room` characters; `faults` are raised by the calls in turn, `holds` hold them up."""

    platform = "web"
    room: int = 1_000
    faults: list[Exception | None] = field(default_factory=list)
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def open_stream(self, delivery: Delivery) -> str:
        await self._called("open")
        self.shown.append("")
        await self._show(delivery.content)
        there = [delivery.external_id] if delivery.external_id else []
        return ",".join([*there, f"p-{len(self.shown)}"])

    async def append_stream(self, delivery: Delivery) -> bool:
        await self._called("append")
        await self._show(delivery.content)
        return len(delivery.content) <= self.room * len(self.shown)

    async def retract(self, delivery: Delivery) -> None:
        await self._called("retract")
        self.shown.clear()

    async def send(self, delivery: Delivery) -> Receipt:
        await self._called("send")
        if delivery.external_id is None:
            self.shown.append("")
        await self._show(delivery.content)
        return Receipt(delivery.external_id or f"p-{len(self.shown)}")

    async def find(self, delivery: Delivery) -> Receipt | None:
        raise CannotLookUp("it keeps no record")

    async def until(self, condition: Callable[[], bool], within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s), self._changed:
            await self._changed.wait_for(condition)

    async def _show(self, text: str) -> None:
        for number in range(len(self.shown)):
            self.shown[number] = text[number * self.room : (number + 1) * self.room]
        async with self._changed:
            self._changed.notify_all()

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        async with self._changed:
            self._changed.notify_all()
        if name in self.holds:
            await self.holds[name].wait()
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault


class WatchedStreams(Streams):
    """Tells how often it was asked whether a message may be opened."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database, clock)
        self._answers = asyncio.Semaphore(0)

    async def begin(self, turn: Turn, message_id: UUID, known: str | None) -> Opened:
        try:
            return await super().begin(turn, message_id, known)
        finally:
            self._answers.release()

    async def answered(self, times: int) -> None:
        async with asyncio.timeout(10):
            for _ in range(times):
                await self._answers.acquire()


class ForgetfulStreams(Streams):
    """Cannot write the first names that it is told."""

    away = 1

    async def name(self, tenant_id: UUID, message_id: UUID, known: str | None, external_id: str) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("Postgres is away")
        await super().name(tenant_id, message_id, known, external_id)


@dataclass
class Stage:
    """A turn that writes its first reply."""

    bench: Bench
    store: DurableTurnStore
    outbox: Outbox
    channels: Channels
    platform: Platform
    turn: Turn

    @property
    def reply_id(self) -> UUID:
        assert self.turn.entry.reply_id is not None
        return self.turn.entry.reply_id

    @asynccontextmanager
    async def live(self, pace: Pace = QUICK, **more: Any) -> AsyncIterator[LiveStreams]:
        streams = more.pop("streams", None) or Streams(self.bench.database, self.bench.clock)
        load = more.pop("load", self.channels.load)
        async with LiveStreams({"web": self.platform}, streams, load, pace=pace, **more) as live:
            yield live

    async def commit(self, *texts: str) -> None:
        replies = tuple(NewMessage(self.reply_id, text) for text in texts)
        await self.store.commit(
            self.turn, Outcome(replies, None, reason=None if texts else "none"), claim_next=False
        )
        worker = DeliveryWorker(self.outbox, {"web": self.platform}, self.channels.load, lambda _: None)
        worker.wake(self.turn.session.tenant_id, self.turn.session.id)
        await worker.settle()

    async def rows(self) -> list[tuple[Any, ...]]:
        return [
            tuple(row)
            for row in await self.bench.eyes.fetch(
                "select status, external_message_id, possible_duplicate from outbox order by position"
            )
        ]


@pytest.fixture
async def stage(database: DatabaseUrls, clock: MovableClock) -> AsyncIterator[Stage]:
    async with open_bench("durable", database, clock) as bench:
        store = DurableTurnStore(bench.database, bench.vault, clock, pushed=["web"])
        accepted = await store.accept(bench.inbound("hi", wants_reply=True), claim=True)
        turn = getattr(accepted, "turn", None)
        assert isinstance(turn, Turn)
        channels = Channels(bench.database, bench.vault, clock)
        yield Stage(bench, store, Outbox(bench.database, bench.vault), channels, Platform(), turn)


async def test_a_reply_is_shown_as_it_is_written_and_finished_in_its_place(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: platform.shown == ["Once "])
        assert await stage.rows() in ([("open", None, False)], [("open", "p-1", False)])
        live.feed(stage.turn, stage.reply_id, "upon ")
        await platform.until(lambda: platform.shown == ["Once upon "])
        await live.settle(stage.turn)
        await stage.commit("Once upon a time.")
    assert platform.shown == ["Once upon a time."]
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_what_is_written_at_once_is_not_shown_before(stage: Stage) -> None:
    async with stage.live(replace(QUICK, open_at=80, open_after_s=60)) as live:
        live.feed(stage.turn, stage.reply_id, "Short.")
        await live.settle(stage.turn)
        await stage.commit("Short.")
    assert stage.platform.calls == ["send"]
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_a_slow_text_is_shown_after_a_while_however_short_it_is(stage: Stage) -> None:
    async with stage.live(replace(QUICK, open_at=1_000)) as live:
        live.feed(stage.turn, stage.reply_id, "Hm")
        await stage.platform.until(lambda: stage.platform.shown == ["Hm"])


async def test_pieces_that_come_quickly_are_shown_together(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live(replace(QUICK, every_s=0.1)) as live:
        for _ in range(200):
            live.feed(stage.turn, stage.reply_id, "word ")
            await asyncio.sleep(0)
        await platform.until(lambda: platform.shown == ["word " * 200])
    assert len(platform.calls) <= 3


async def test_nothing_is_called_while_nothing_is_written(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "append" in platform.calls)
        assert platform.calls == ["open", "append"]
        with pytest.raises(TimeoutError):
            await platform.until(lambda: len(platform.calls) > 2, within_s=QUICK.every_s * 10)


async def test_a_text_that_needs_more_messages_names_each_before_it_goes_on(stage: Stage) -> None:
    platform = stage.platform
    platform.room = 10
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "0123456789abcdefghijABC")
        await platform.until(lambda: platform.shown == ["0123456789", "abcdefghij", "ABC"])
        await live.settle(stage.turn)
        assert await stage.rows() == [("open", "p-1,p-2,p-3", False)]


async def test_a_platform_that_is_busy_is_asked_again_and_one_message_comes_of_it(stage: Stage) -> None:
    platform = stage.platform
    platform.faults = [BUSY, None, BUSY, BUSY]
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: platform.shown == ["Once "])
        live.feed(stage.turn, stage.reply_id, "upon")
        await platform.until(lambda: platform.shown == ["Once upon"])
        await live.settle(stage.turn)
        await stage.commit("Once upon")
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_where_the_platform_opens_nothing_the_reply_is_sent_as_any_other(stage: Stage) -> None:
    platform = stage.platform
    platform.faults = [GONE]
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "open" in platform.calls)
        await live.settle(stage.turn)
        await stage.commit("Once upon")
    assert (platform.calls, platform.shown) == (["open", "send"], ["Once upon"])
    assert await stage.rows() == [("sent", "p-1", False)]


@pytest.mark.parametrize("failure", [GONE, NOBODY_KNOWS, RuntimeError("a bug")])
async def test_what_fails_while_it_grows_is_put_right_by_the_delivery(
    stage: Stage, failure: Exception
) -> None:
    platform = stage.platform
    platform.faults = [None, failure]
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: platform.calls == ["open", "append"])
        live.feed(stage.turn, stage.reply_id, "upon ")
        await live.settle(stage.turn)
        await stage.commit("Once upon a time.")
    assert platform.calls == ["open", "append", "send"]
    assert platform.shown == ["Once upon a time."]
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_an_opening_of_which_nobody_knows_is_not_tried_again(stage: Stage) -> None:
    platform = stage.platform
    platform.faults = [NOBODY_KNOWS]
    streams = WatchedStreams(stage.bench.database, stage.bench.clock)
    async with stage.live(streams=streams) as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "open" in platform.calls)
        live.feed(stage.turn, stage.reply_id, "upon ")
        await live.settle(stage.turn)
        await stage.store.retry(stage.turn, after=AT_ONCE, error="killed")
        again = await stage.store.load(stage.turn.session.tenant_id, stage.turn.session.id)
        assert again is not None
        stage.turn = again
        live.feed(again, stage.reply_id, "Once again")
        await streams.answered(2)
        await live.settle(again)
    assert platform.calls == ["open"]


async def test_a_commit_does_not_wait_long_for_a_platform_that_hangs(stage: Stage) -> None:
    platform = stage.platform
    platform.holds["append"] = asyncio.Event()
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "append" in platform.calls)
        async with asyncio.timeout(2):
            await live.settle(stage.turn)
        platform.holds["append"].set()
        await stage.commit("Once upon a time.")
        await asyncio.sleep(0)
    assert platform.calls == ["open", "append", "send"]


async def test_a_message_that_opens_slowly_is_waited_for_and_finished(stage: Stage) -> None:
    platform = stage.platform
    platform.holds["open"] = asyncio.Event()
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "open" in platform.calls)
        asyncio.get_running_loop().call_later(0.3, platform.holds["open"].set)
        await live.settle(stage.turn)
        await stage.commit("Once upon a time.")
    assert platform.shown == ["Once upon a time."]
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_a_name_is_written_once_postgres_is_back(stage: Stage) -> None:
    platform = stage.platform
    streams = ForgetfulStreams(stage.bench.database, stage.bench.clock)
    async with stage.live(replace(QUICK, opening_s=10), streams=streams) as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: platform.shown == ["Once "])
        await live.settle(stage.turn)
        assert await stage.rows() == [("open", "p-1", False)]


async def test_a_later_attempt_says_it_in_the_same_message(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once upon ")
        await platform.until(lambda: "append" in platform.calls)
        live.abandon(stage.turn)
        await stage.store.retry(stage.turn, after=AT_ONCE, error="lost")
        again = await stage.store.load(stage.turn.session.tenant_id, stage.turn.session.id)
        assert again is not None
        stage.turn = again
        live.feed(again, stage.reply_id, "There was ")
        await platform.until(lambda: platform.shown == ["There was "])
        await live.settle(again)
        await stage.commit("There was a king.")
    assert platform.shown == ["There was a king."]
    assert platform.calls.count("open") == 1
    assert await stage.rows() == [("sent", "p-1", False)]


async def test_what_was_shown_of_a_silent_turn_is_taken_back(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "append" in platform.calls)
        await live.settle(stage.turn)
        await stage.commit()
    assert platform.shown == []
    assert [row[0] for row in await stage.rows()] == ["retracted"]


async def test_what_cannot_be_taken_back_now_is_taken_back_later(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await platform.until(lambda: "append" in platform.calls)
        await live.settle(stage.turn)
        platform.faults = [DeliveryFailed("busy", permanent=False, retry_after=60)]
        await stage.commit()
    assert [row[0] for row in await stage.rows()] == ["queued"]


async def test_nothing_is_shown_for_a_turn_that_is_another_workers(stage: Stage) -> None:
    await stage.store.retry(stage.turn, after=AT_ONCE, error="lost")
    assert await stage.store.load(stage.turn.session.tenant_id, stage.turn.session.id) is not None
    streams = WatchedStreams(stage.bench.database, stage.bench.clock)
    async with stage.live(streams=streams) as live:
        live.feed(stage.turn, stage.reply_id, "Once upon a time")
        await streams.answered(1)
        await live.settle(stage.turn)
    assert stage.platform.calls == []


async def test_a_channel_that_cannot_be_read_shows_nothing_and_ends_nothing(stage: Stage) -> None:
    async def load(tenant_id: UUID, channel_id: UUID) -> Channel:
        raise Unavailable("Postgres is away")

    async with stage.live(load=load) as live:
        live.feed(stage.turn, stage.reply_id, "Once upon a time")
        await live.settle(stage.turn)
        await stage.commit("Once upon a time")
    assert stage.platform.calls == ["send"]


async def test_beyond_so_many_replies_none_is_shown(stage: Stage) -> None:
    async with stage.live(most=0) as live:
        live.feed(stage.turn, stage.reply_id, "Once upon a time")
        await live.settle(stage.turn)
    assert stage.platform.calls == []


async def test_platforms_without_lasting_streams_have_nothing_to_do_with_it(stage: Stage) -> None:
    elsewhere = replace(stage.turn, session=replace(stage.turn.session, platform="terminal"))
    async with stage.live() as live:
        live.feed(elsewhere, stage.reply_id, "Once upon a time")
        await live.settle(elsewhere)
    assert await stage.rows() == []


async def test_a_reply_that_others_go_before_is_not_shown_above_them(stage: Stage) -> None:
    platform = stage.platform
    async with stage.live() as live:
        live.feed(stage.turn, uuid7(), "Once upon a time")
        with pytest.raises(TimeoutError):
            await platform.until(lambda: bool(platform.calls), within_s=QUICK.open_after_s * 20)
        await live.settle(stage.turn)


async def test_a_commit_does_not_wait_at_all_where_nothing_is_under_way(stage: Stage) -> None:
    async with stage.live(replace(QUICK, every_s=60, settle_s=60)) as live:
        live.feed(stage.turn, stage.reply_id, "Once ")
        await stage.platform.until(lambda: stage.platform.shown == ["Once "])
        async with asyncio.timeout(5):
            await live.settle(stage.turn)
    assert stage.platform.calls == ["open"]


async def test_what_was_said_before_arrives_before_anything_is_shown(stage: Stage) -> None:
    platform = stage.platform
    session = stage.turn.session
    await stage.store.commit(
        stage.turn, Outcome((NewMessage(stage.reply_id, "Before"),), None), claim_next=False
    )
    accepted = await stage.store.accept(stage.bench.inbound("more", wants_reply=True), claim=True)
    turn = getattr(accepted, "turn", None)
    assert isinstance(turn, Turn)
    stage.turn = turn
    streams = WatchedStreams(stage.bench.database, stage.bench.clock)
    async with stage.live(streams=streams) as live:
        live.feed(stage.turn, stage.reply_id, "After")
        await streams.answered(2)
        assert platform.calls == []
        worker = DeliveryWorker(stage.outbox, {"web": platform}, stage.channels.load, lambda _: None)
        worker.wake(session.tenant_id, session.id)
        await worker.settle()
        await platform.until(lambda: "open" in platform.calls)
        await live.settle(stage.turn)
    assert platform.calls[:2] == ["send", "open"]
