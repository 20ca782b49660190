"""Replies that are shown in lasting messages while they are written: what is committed before and after, and what
becomes of it however the turn ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from clocks import MovableClock
from databases import DatabaseUrls
from turn_stores import MODES, Bench
from turn_stores import bench as open_bench

from storage.durable import DurableTurnStore
from storage.errors import LeaseLost
from storage.ids import uuid7
from storage.outbox import ClaimedDelivery, Outbox
from storage.outcomes import NewMessage, Outcome
from storage.queue import Queue
from storage.records import Turn
from storage.streams import Opened, Opening, Streams

BEGUN = Opened(Opening.BEGUN, None)


@dataclass
class Stage:
    """A session on a platform that is delivered to."""

    bench: Bench
    store: DurableTurnStore
    streams: Streams
    outbox: Outbox

    async def turn(self, text: str = "hello") -> Turn:
        accepted = await self.store.accept(self.bench.inbound(text, wants_reply=True), claim=True)
        turn = getattr(accepted, "turn", None)
        assert isinstance(turn, Turn)
        return turn

    async def again(self, turn: Turn) -> Turn:
        """The attempt that follows one that was lost."""
        await self.store.retry(turn, after=timedelta(), error="killed")
        found = await self.store.load(turn.session.tenant_id, turn.session.id)
        assert found is not None
        return found

    async def commit(self, turn: Turn, *replies: NewMessage, **more: Any) -> None:
        await self.store.commit(turn, Outcome(replies, None, **more), claim_next=False)

    async def claim(self, turn: Turn) -> ClaimedDelivery | None:
        return await self.outbox.claim(turn.session.tenant_id, turn.session.id)

    async def name(self, turn: Turn, message_id: UUID, external_id: str, known: str | None = None) -> None:
        await self.streams.name(turn.session.tenant_id, message_id, known, external_id)

    async def rows(self, what: str, table: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.bench.eyes.fetch(f"select {what} from {table} order by id")]


@pytest.fixture(params=MODES)
async def stage(
    request: pytest.FixtureRequest, database: DatabaseUrls, clock: MovableClock
) -> AsyncIterator[Stage]:
    async with open_bench(request.param, database, clock) as bench:
        yield Stage(
            bench,
            DurableTurnStore(bench.database, bench.vault, clock, pushed=["web"]),
            Streams(bench.database, clock),
            Outbox(bench.database, bench.vault),
        )


def first(turn: Turn) -> UUID:
    assert turn.entry.reply_id is not None
    return turn.entry.reply_id


async def test_before_the_platform_is_called_the_rows_are_there_and_nobody_delivers_them(
    stage: Stage,
) -> None:
    turn = await stage.turn()
    assert await stage.streams.begin(turn, first(turn), None) == BEGUN
    assert await stage.rows("id, status, message_id", "outbox") == [(first(turn), "open", first(turn))]
    assert await stage.claim(turn) is None
    queue = Queue(stage.bench.database)
    assert await queue.due_deliveries(10) == []
    assert (await queue.depth()).deliveries == 0
    assert await stage.bench.transcript(turn.session.id) == [(1, "user", "hello")]


async def test_the_commit_queues_what_was_shown_with_its_name(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    await stage.commit(turn, NewMessage(first(turn), "The whole answer"))
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert (claimed.id, claimed.content, claimed.external_id) == (first(turn), "The whole answer", "ts-1")
    assert (claimed.answer_lost, claimed.opening, claimed.came_to_nothing) == (False, False, False)
    assert (claimed.attempt, claimed.failures) == (1, 0)
    assert await stage.bench.transcript(turn.session.id) == [
        (1, "user", "hello"),
        (2, "bot", "The whole answer"),
    ]


async def test_a_further_reply_gets_its_row_when_it_is_opened_and_its_place_when_it_is_committed(
    stage: Stage,
) -> None:
    turn = await stage.turn()
    second = uuid7()
    assert await stage.streams.begin(turn, second, None) == BEGUN
    await stage.name(turn, second, "ts-2")
    await stage.commit(turn, NewMessage(first(turn), "One"), NewMessage(second, "Two", sensitive=True))
    claimed = [await stage.claim(turn)]
    assert claimed[0] is not None
    await stage.outbox.sent(turn.session.tenant_id, [(claimed[0], "ts-1", False)])
    claimed.append(await stage.claim(turn))
    assert [(each and each.content, each and each.external_id) for each in claimed] == [
        ("One", None),
        ("Two", "ts-2"),
    ]
    rows = await stage.bench.eyes.fetch(
        "select content, status, in_reply_to from messages where sender_type = 'bot' order by seq"
    )
    assert [tuple(row) for row in rows] == [
        ("One", "completed", turn.entry.message_id),
        ("", "completed", turn.entry.message_id),
    ]


async def test_what_was_shown_is_finished_before_what_is_said_after_it(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    await stage.commit(turn, NewMessage(first(turn), "One"), NewMessage(uuid7(), "Two"))
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert (claimed.content, claimed.external_id) == ("One", "ts-1")


async def test_a_later_attempt_goes_on_with_what_an_earlier_one_opened(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    later = await stage.again(turn)
    assert await stage.streams.begin(later, first(turn), None) == Opened(Opening.NAMED, "ts-1")
    assert await stage.streams.begin(later, first(turn), "ts-1") == Opened(Opening.BEGUN, "ts-1")
    await stage.name(later, first(turn), "ts-1,ts-2", known="ts-1")
    await stage.commit(later, NewMessage(first(turn), "Whole"))
    claimed = await stage.claim(later)
    assert claimed is not None
    assert (claimed.external_id, claimed.answer_lost) == ("ts-1,ts-2", False)
    assert await stage.rows("id", "outbox") == [(first(turn),)]


async def test_killed_between_the_call_and_its_name_nobody_opens_another_and_the_delivery_says_so(
    stage: Stage,
) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    later = await stage.again(turn)
    assert (await stage.streams.begin(later, first(turn), None)).opening is Opening.UNKNOWN
    await stage.commit(later, NewMessage(first(turn), "Whole"))
    claimed = await stage.claim(later)
    assert claimed is not None
    assert (claimed.answer_lost, claimed.opening, claimed.external_id) == (True, True, None)
    assert claimed.failures == 0


async def test_a_name_that_comes_late_is_kept_but_never_in_place_of_another(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    later = await stage.again(turn)
    await stage.name(turn, first(turn), "ts-1")
    assert await stage.streams.begin(later, first(turn), None) == Opened(Opening.NAMED, "ts-1")
    await stage.name(turn, first(turn), "ts-9")
    assert await stage.streams.begin(later, first(turn), None) == Opened(Opening.NAMED, "ts-1")


async def test_what_the_platform_refused_is_an_ordinary_delivery(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.streams.refused(turn.session.tenant_id, first(turn))
    assert await stage.streams.begin(turn, first(turn), None) == BEGUN
    await stage.streams.refused(turn.session.tenant_id, first(turn))
    await stage.commit(turn, NewMessage(first(turn), "Whole"))
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert (claimed.content, claimed.answer_lost, claimed.external_id) == ("Whole", False, None)


async def test_a_worker_that_lost_its_lease_opens_nothing(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.again(turn)
    assert (await stage.streams.begin(turn, first(turn), None)).opening is Opening.LOST
    assert await stage.rows("id", "outbox") == []


async def test_after_the_commit_nothing_is_opened(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.commit(turn, NewMessage(first(turn), "Whole"))
    assert (await stage.streams.begin(turn, first(turn), None)).opening is Opening.LOST
    assert (await stage.streams.begin(turn, uuid7(), None)).opening is Opening.LOST


@pytest.mark.parametrize("reason", ["none", "joined", "handoff"])
async def test_what_was_shown_of_a_turn_without_a_reply_is_taken_back(stage: Stage, reason: str) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    await stage.commit(turn, reason=reason)
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert (claimed.external_id, claimed.content, claimed.came_to_nothing) == ("ts-1", "", True)
    await stage.outbox.retracted(claimed)
    assert await stage.rows("status", "outbox") == [("retracted",)]
    assert await stage.claim(turn) is None
    told = "select reason, seq from messages where id = $1"
    assert tuple(await stage.bench.eyes.fetchrow(told, first(turn))) == (reason, None)


async def test_of_two_that_were_shown_the_one_that_is_not_said_is_taken_back_after_the_other(
    stage: Stage,
) -> None:
    turn = await stage.turn()
    second = uuid7()
    for message_id, name in ((first(turn), "ts-1"), (second, "ts-2")):
        await stage.streams.begin(turn, message_id, None)
        await stage.name(turn, message_id, name)
    later = await stage.again(turn)
    await stage.commit(later, NewMessage(first(turn), "Only this"))
    said = await stage.claim(later)
    assert said is not None
    assert (said.external_id, said.content, said.came_to_nothing) == ("ts-1", "Only this", False)
    await stage.outbox.sent(turn.session.tenant_id, [(said, "ts-1", False)])
    gone = await stage.claim(later)
    assert gone is not None
    assert (gone.external_id, gone.came_to_nothing) == ("ts-2", True)
    assert await stage.bench.transcript(turn.session.id) == [(1, "user", "hello"), (2, "bot", "Only this")]


async def test_a_dead_letters_apology_takes_the_place_of_what_was_shown(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    apology = Outcome((NewMessage(first(turn), "Sorry"),), None, error="broken")
    await stage.store.bury(turn, apology, claim_next=False)
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert (claimed.external_id, claimed.content, claimed.came_to_nothing) == ("ts-1", "Sorry", False)


async def test_a_session_that_was_closed_meanwhile_leaves_nothing_open(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    await stage.bench.eyes.execute("update sessions set status = 'closed', ended_at = now()")
    await stage.commit(turn, close=True)
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert claimed.came_to_nothing


async def test_a_commit_that_failed_leaves_it_open_for_the_next_attempt(stage: Stage) -> None:
    turn = await stage.turn()
    await stage.streams.begin(turn, first(turn), None)
    await stage.name(turn, first(turn), "ts-1")
    later = await stage.again(turn)
    with pytest.raises(LeaseLost):
        await stage.commit(turn, NewMessage(first(turn), "Late"))
    assert await stage.rows("status, external_message_id", "outbox") == [("open", "ts-1")]
    assert (await stage.streams.begin(later, first(turn), None)).opening is Opening.NAMED


async def test_it_waits_for_what_was_said_before_and_what_is_said_after_waits_for_it(stage: Stage) -> None:
    before = await stage.turn("one")
    await stage.commit(before, NewMessage(first(before), "1"))
    turn = await stage.turn("two")
    assert (await stage.streams.begin(turn, first(turn), None)).opening is Opening.BEHIND
    claimed = await stage.claim(turn)
    assert claimed is not None
    assert claimed.content == "1"
    await stage.outbox.sent(turn.session.tenant_id, [(claimed, "ts-1", False)])
    assert await stage.streams.begin(turn, first(turn), None) == BEGUN
    await stage.name(turn, first(turn), "ts-2")
    assert await stage.claim(turn) is None
    await stage.commit(turn, NewMessage(first(turn), "2"))
    after = await stage.turn("three")
    await stage.commit(after, NewMessage(first(after), "3"))
    said = []
    while (claimed := await stage.claim(turn)) is not None:
        said.append(claimed.content)
        await stage.outbox.sent(turn.session.tenant_id, [(claimed, claimed.external_id, False)])
    assert said == ["2", "3"]


async def test_a_message_that_is_there_already_is_not_said_again(stage: Stage) -> None:
    turn = await stage.turn()
    reply = NewMessage(first(turn), "One")
    await stage.commit(turn, reply, NewMessage(other := uuid7(), "Two"))
    following = await stage.turn("more")
    with pytest.raises(asyncpg.UniqueViolationError):
        await stage.commit(following, NewMessage(other, "Two again"))


async def test_of_any_number_at_once_one_opens_it(stage: Stage) -> None:
    turn = await stage.turn()
    answers = await asyncio.gather(*(stage.streams.begin(turn, first(turn), None) for _ in range(20)))
    assert sorted(answer.opening for answer in answers) == [Opening.BEGUN, *[Opening.UNKNOWN] * 19]


async def test_a_commit_at_the_same_time_either_queues_it_or_keeps_it_from_being_opened(stage: Stage) -> None:
    for _ in range(10):
        turn = await stage.turn()
        opened, _none = await asyncio.gather(
            stage.streams.begin(turn, first(turn), None), stage.commit(turn, NewMessage(first(turn), "Said"))
        )
        claimed = await stage.claim(turn)
        assert claimed is not None
        assert opened.opening in (Opening.BEGUN, Opening.LOST)
        assert claimed.opening == (opened.opening is Opening.BEGUN)
        await stage.outbox.sent(turn.session.tenant_id, [(claimed, "ts", False)])
