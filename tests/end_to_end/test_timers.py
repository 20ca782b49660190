"""Timers and events in running processes: fired once through restarts and by several at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import Fleet, until
from house import House, open_house
from outside import Outside
from people import Line, Visitor

from bot.demo import ensure_demo
from storage.events import Posted

FLOWS = """
from datetime import timedelta
from flows import Chat, Flow

remind = Flow("remind", phrases=["remind me"])
pay = Flow("pay", phrases=["order"])


@remind
async def remind_me(chat: Chat) -> None:
    await chat.say("I will.")
    await chat.wait(for_=timedelta(days=3))
    await chat.say("Now it is time.")
    await chat.ask("done", "Is it done?", timeout=timedelta(hours=2), reminder="Well?")


@pay
async def order(chat: Chat) -> None:
    await chat.say("Please pay.")
    await chat.say(f"Thank you for {await chat.wait(event='paid')}.")
"""
REMINDED = [("user", "remind me"), ("bot", "I will."), ("bot", "Now it is time."), ("bot", "Is it done?")]

OpenHouse: TypeAlias = Callable[[], AbstractAsyncContextManager[House]]


@pytest.fixture
def opened(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path
) -> Callable[[], AbstractAsyncContextManager[House]]:
    """Opens a process that serves the bot above; all share the database and the clock."""
    flows = tmp_path / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "timed.py").write_text(FLOWS)
    return lambda: open_house(database, redis_url, tmp_path / "bots", {}, clock)


async def heard(visitor: Visitor, lines: list[Line]) -> None:
    """Wait until the transcript is this long, then it must be this."""

    async def long_enough() -> bool:
        return len(await visitor.transcript()) >= len(lines)

    await until(long_enough, f"{len(lines)} messages")
    assert await visitor.transcript() == lines


async def begin(http: ClientSession, house: House, text: str) -> Visitor:
    await ensure_demo(house.runtime)
    visitor = await Visitor.enter(http, house.url, "demo")
    await visitor.say(text)
    return visitor


async def test_a_timer_goes_off_in_the_process_that_runs_after_a_restart(
    opened: OpenHouse, http: ClientSession, clock: MovableClock
) -> None:
    async with opened() as house:
        visitor = await begin(http, house, "remind me")
    clock.advance(timedelta(days=3))
    async with opened() as house:
        visitor.url = house.url
        await heard(visitor, REMINDED)
        clock.advance(timedelta(hours=1))
        await heard(visitor, [*REMINDED, ("bot", "Well?\nIs it done?")])
        assert await visitor.say("yes") == []


async def test_whoever_has_the_page_open_sees_what_a_timer_says_at_once(
    opened: OpenHouse, http: ClientSession, clock: MovableClock
) -> None:
    async with opened() as house:
        visitor = await begin(http, house, "remind me")
        async with visitor.socket() as socket:
            clock.advance(timedelta(days=3))
            frames = [await socket.next("message") for _ in range(2)]
    assert [(frame["content"], frame["in_reply_to"]) for frame in frames] == [
        ("Now it is time.", None),
        ("Is it done?", None),
    ]


async def test_several_workers_say_it_once(
    opened: OpenHouse, http: ClientSession, clock: MovableClock, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as one, opened(), opened():
        visitors = [await begin(http, one, "remind me") for _ in range(10)]
        clock.advance(timedelta(days=3))
        await asyncio.gather(*(heard(visitor, REMINDED) for visitor in visitors))

        async def quiet() -> bool:
            return bool(await owner.fetchval("select count(*) = 0 from inbox"))

        await until(quiet, "nothing left to do")
        for visitor in visitors:
            assert await visitor.transcript() == REMINDED


async def test_an_event_moves_the_conversation_once_a_key(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await begin(http, house, "order")
        row = await owner.fetchrow("select tenant_id, id from sessions")
        place: tuple[UUID, UUID] = (row["tenant_id"], row["id"])
        send = house.runtime.events.send_event
        posted = await asyncio.gather(*(send(*place, "paid", 12, key="invoice 7") for _ in range(5)))
        assert sorted(posted) == [Posted.ACCEPTED] + [Posted.DUPLICATE] * 4
        await heard(visitor, [("user", "order"), ("bot", "Please pay."), ("bot", "Thank you for 12.")])


async def test_an_abandoned_conversation_is_not_spoken_to_any_more(
    opened: OpenHouse, http: ClientSession, clock: MovableClock, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await begin(http, house, "remind me")
        await owner.execute("update sessions set closes_at = now() - interval '9 years'")
        assert (await house.runtime.sweeper.sweep())["sessions_closed"] == 1
        clock.advance(timedelta(days=3))
        again = await begin(http, house, "remind me")
        clock.advance(timedelta(days=3))
        await heard(again, REMINDED)
        assert await visitor.transcript() == REMINDED[:2]
        assert await owner.fetchval("select count(*) from timers where due_at <= $1", clock()) == 0


@pytest.fixture
async def reminded(
    fleet: Fleet, http: ClientSession, owner: asyncpg.Connection[Any], tmp_path: Path
) -> tuple[Visitor, str]:
    """Somebody who waits to be reminded, whose time has come while no process ran; and the bots' folder."""
    flows = tmp_path / "bots" / "acme" / "flows"
    flows.mkdir(parents=True)
    (flows / "timed.py").write_text(FLOWS)
    first = await fleet.start(bots_dir=str(tmp_path / "bots"))
    visitor = await Visitor.enter(http, first.url)
    await visitor.say("remind me")
    first.kill()
    await owner.execute("update timers set due_at = now()")
    return visitor, str(tmp_path / "bots")


@pytest.mark.parametrize("point", ["claimed", "committing", "committed"])
async def test_a_process_that_dies_between_firing_and_the_end_of_the_turn_says_it_once(
    point: str,
    reminded: tuple[Visitor, str],
    fleet: Fleet,
    outside: Outside,
    owner: asyncpg.Connection[Any],
) -> None:
    visitor, bots = reminded
    hold = outside.hold(point)
    dying = await fleet.start("dying", bots_dir=bots, points=[point])
    await hold.reached()
    dying.kill()
    assert await owner.fetchval("select count(*) from inbox") == (0 if point == "committed" else 1)
    visitor.url = (await fleet.start("next", bots_dir=bots)).url
    await heard(visitor, REMINDED)
    assert await owner.fetchval("select count(*) from timers where fired_at is not null") == 0


@pytest.mark.parametrize("server_notices", [True, False])
async def test_a_process_that_dies_as_it_fires_says_it_once(
    server_notices: bool,
    reminded: tuple[Visitor, str],
    fleet: Fleet,
    database: DatabaseUrls,
    owner: asyncpg.Connection[Any],
) -> None:
    visitor, bots = reminded

    async def firing() -> list[int]:
        rows = await owner.fetch(
            "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%fire_timers%'"
        )
        return [row["pid"] for row in rows]

    locker = await asyncpg.connect(database.owner_url)
    async with locker.transaction():
        await locker.execute("lock table inbox in share row exclusive mode")
        dying = await fleet.start("dying", bots_dir=bots)
        backends = await until(firing, "somebody who fires")
        dying.kill()
        if server_notices:
            for backend in backends:
                await owner.execute("select pg_terminate_backend($1, 5000)", backend)
    await locker.close()
    visitor.url = (await fleet.start("next", bots_dir=bots)).url
    await heard(visitor, REMINDED)
    assert await owner.fetchval("select count(*) from inbox") == 0
