"""A person takes a conversation over in running processes: nothing lost, and the bot never talks over them."""

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
from fleet import until
from house import House, open_house
from people import Visitor

from bot.demo import ensure_demo
from flows.texts import Texts
from storage.desk import Handled

FLOWS = """
import asyncio
from datetime import timedelta

from flows import Chat, Flow

form = Flow("form", phrases=["form"])
help_me = Flow("help_me", phrases=["help me"])
story = Flow("story", phrases=["story"])


@form
async def fill(chat: Chat) -> None:
    name = await chat.ask("name", "Your name?")
    colour = await chat.ask("colour", "Your colour?")
    await chat.say(f"{name} likes {colour}.")


@help_me
async def get_help(chat: Chat) -> None:
    await chat.say("One moment.")
    person = await chat.handoff("help", timeout=timedelta(hours=1))
    await chat.say(f"That was {person}." if person else "Nobody came.")


async def words():
    for _ in range(100_000):
        await asyncio.sleep(0.02)
        yield "on and on "


@story
async def tell(chat: Chat) -> None:
    await chat.say("", stream=words())
"""
TEXTS = Texts()
OpenHouse: TypeAlias = Callable[[], AbstractAsyncContextManager[House]]


@pytest.fixture
def opened(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path
) -> Callable[[], AbstractAsyncContextManager[House]]:
    flows = tmp_path / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "desk.py").write_text(FLOWS)
    return lambda: open_house(database, redis_url, tmp_path / "bots", {}, clock)


async def enter(http: ClientSession, house: House) -> Visitor:
    await ensure_demo(house.runtime)
    return await Visitor.enter(http, house.url, "demo")


async def place(owner: asyncpg.Connection[Any]) -> tuple[UUID, UUID]:
    """The tenant and the one session of the test."""
    row = await owner.fetchrow("select tenant_id, id from sessions where status <> 'closed'")
    assert row is not None
    return row["tenant_id"], row["id"]


async def settled(visitor: Visitor, count: int) -> list[tuple[str, str]]:
    async def long_enough() -> bool:
        return len(await visitor.transcript()) >= count

    await until(long_enough, f"{count} messages")
    return await visitor.transcript()


async def test_a_person_answers_in_the_same_chat_and_the_form_goes_on_afterwards(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor, desk = await enter(http, house), house.runtime.desk
        await visitor.say("form")
        await visitor.say("Ada")
        assert await visitor.say("a person") == [TEXTS.handed_over]
        reply_id = await visitor.send("which colours are there?")
        assert await visitor.answer(reply_id) == []
        _, state = await visitor.call("GET", f"messages/{reply_id}")
        assert (state["status"], state["reason"]) == ("completed", "handoff")
        tenant_id, session_id = await place(owner)
        async with visitor.socket() as socket:
            for _ in range(2):
                await desk.reply(tenant_id, session_id, "ann", "Blue and red.", key="one")
            frame = await socket.next("message")
            assert (frame["sender_type"], frame["content"]) == ("agent", "Blue and red.")
            await desk.resume(tenant_id, session_id, "ann", key="two")
            assert (await socket.next("message"))["content"] == TEXTS.handed_back
        assert await visitor.say("blue") == ["Ada likes blue."]
        assert await visitor.transcript() == [
            ("user", "form"),
            ("bot", "Your name?"),
            ("user", "Ada"),
            ("bot", "Your colour?"),
            ("user", "a person"),
            ("bot", TEXTS.handed_over),
            ("user", "which colours are there?"),
            ("agent", "Blue and red."),
            ("bot", TEXTS.handed_back),
            ("bot", "Your colour?"),
            ("user", "blue"),
            ("bot", "Ada likes blue."),
        ]


async def test_the_bot_is_cut_off_when_a_person_comes_while_it_talks(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor, desk = await enter(http, house), house.runtime.desk
        async with visitor.socket() as socket:
            reply_id = await visitor.send("story")
            await socket.next("delta")
            tenant_id, session_id = await place(owner)
            assert (
                await desk.reply(tenant_id, session_id, "ann", "Let me tell it.", key="one")
                is Handled.ACCEPTED
            )
            frame = await socket.next("message")
            while frame["sender_type"] == "user":
                frame = await socket.next("message")
            assert (frame["sender_type"], frame["content"]) == ("agent", "Let me tell it.")
        _, state = await visitor.call("GET", f"messages/{reply_id}")
        assert state["reason"] == "handoff"
        assert await visitor.transcript() == [("user", "story"), ("agent", "Let me tell it.")]


async def test_a_hand_over_waits_through_restarts_and_ends_by_its_time(
    opened: OpenHouse, http: ClientSession, clock: MovableClock, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await enter(http, house)
        assert await visitor.say("help me") == ["One moment."]
    clock.advance(timedelta(hours=1))
    async with opened() as house:
        visitor.url = house.url
        said = await settled(visitor, 3)
        assert said[-1] == ("bot", "Nobody came.")
        assert await owner.fetchval("select status from sessions") == "active"


async def test_what_is_written_before_and_after_a_restart_reaches_the_person_in_order(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await enter(http, house)
        await visitor.say("help me")
        await visitor.say("first")
    async with opened() as house:
        visitor.url = house.url
        await visitor.say("second")
        tenant_id, session_id = await place(owner)
        await house.runtime.desk.reply(tenant_id, session_id, "ann", "I see both.", key="one")
        await house.runtime.desk.close(tenant_id, session_id, "ann", resolved=True, key="two")

        async def closed() -> bool:
            return bool(
                await owner.fetchval("select status = 'closed' from sessions where id = $1", session_id)
            )

        await until(closed, "the session's end")
        assert (await visitor.transcript())[2:] == [
            ("user", "first"),
            ("user", "second"),
            ("agent", "I see both."),
        ]
        assert await visitor.say("help me") == ["One moment."]
        assert await owner.fetchval("select count(*) from sessions") == 2


async def test_messages_and_an_operator_at_once_leave_nothing_unanswered_by_both(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor, desk = await enter(http, house), house.runtime.desk
        await visitor.say("form")
        tenant_id, session_id = await place(owner)
        sent = [visitor.send(f"message {n}") for n in range(20)]
        taken = [desk.take(tenant_id, session_id, "ann") for _ in range(3)]
        reply_ids = await asyncio.gather(*sent[:10], *taken, *sent[10:])
        for reply_id in (each for each in reply_ids if not isinstance(each, Handled)):
            await visitor.answer(reply_id)
        rows = await owner.fetch(
            "select m.reason from messages m where m.sender_type = 'bot' and m.seq is null and m.status = 'completed'"
        )
        said = await visitor.transcript()
        answered = len([line for line in said if line[0] == "bot"]) - 1
        assert {row["reason"] for row in rows} <= {"handoff"}
        assert answered + len(rows) == 20
        assert len(rows) > 0
