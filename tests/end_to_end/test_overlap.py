"""Messages that come while an earlier one is answered: joined, or ending what is being said; on real storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import Fleet
from outside import Outside
from people import Visitor
from vaults import ROOT

from bot.demo import ensure_demo
from bot.runtime import Parts, Roles, Runtime, open_runtime
from bot.server import build_app
from storage.secret_key import Secrets

FLOWS = """import asyncio
from datetime import timedelta

from flows import Flow

notes = Flow("notes", default=True, overlap="debounce", quiet=timedelta(seconds=0.5))
form = Flow("form", phrases=["form"], overlap="debounce", quiet=timedelta(seconds=0.5))
story = Flow("story", phrases=["story", "again"], overlap="interrupt")
saga = Flow("saga", phrases=["saga"])


@notes
async def take_note(chat):
    await chat.say(f"Noted: {chat.opening}")


@form
async def fill_in(chat):
    name = await chat.ask("name", "Name?")
    pin = await chat.ask("pin", "PIN?", sensitive=True)
    await chat.say(f"{name} has a PIN of {len(pin)} characters")


async def words(count):
    yield "Once "
    for _ in range(count):
        await asyncio.sleep(0.02)
        yield "upon "
    yield "the end."


@story
async def tell_story(chat):
    await chat.say("", stream=words(100_000 if chat.opening == "story" else 0))


@saga
async def tell_saga(chat):
    await chat.say("", stream=words(40))
"""


class Town:
    """One or two processes that share a database, and people who talk to the first."""

    def __init__(
        self, url: str, http: ClientSession, owner: asyncpg.Connection[Any], runtime: Runtime
    ) -> None:
        self.url = url
        self.http = http
        self.owner = owner
        self.runtime = runtime

    async def visitor(self) -> Visitor:
        return await Visitor.enter(self.http, self.url, "demo")


@pytest.fixture
async def open_town(
    database: DatabaseUrls, redis_url: str, tmp_path: Path, clock: MovableClock
) -> AsyncIterator[Any]:
    folder = tmp_path / "bots" / "demo" / "flows"
    folder.mkdir(parents=True)
    (folder / "town.py").write_text(FLOWS)
    parts = Parts(database.runtime_url, redis_url, Secrets((ROOT,)), tmp_path / "bots")
    async with AsyncExitStack() as stack:

        async def start(**roles: bool) -> Runtime:
            opened = open_runtime(parts, Roles(sweeps=False, **roles), {}, clock=clock, poll_every_s=0.2)
            return await stack.enter_async_context(opened)

        async def open_it(*, apart: bool = False) -> Town:
            if apart:
                runtime = await start(works=False, alone=False)
                await ensure_demo(runtime)
                await start(accepts=False, alone=False)
            else:
                runtime = await start()
                await ensure_demo(runtime)
            app = build_app(runtime, demo_page=False, token_in_url=False, clock=clock)
            server = await stack.enter_async_context(TestServer(app))
            http = await stack.enter_async_context(ClientSession())
            owner = await asyncpg.connect(database.owner_url)
            stack.push_async_callback(owner.close)
            return Town(str(server.make_url("")).rstrip("/"), http, owner, runtime)

        yield open_it


async def fate(visitor: Visitor, reply_id: str) -> tuple[str, str | None]:
    """How a reply ended once its turn is over: its text, or why there is none."""
    said = await visitor.answer(reply_id)
    _, state = await visitor.call("GET", f"messages/{reply_id}")
    return (said[0] if said else "", state.get("reason"))


async def chatter(visitor: Visitor, *texts: str) -> list[tuple[str, str | None]]:
    """Say several things without waiting for an answer, then see what became of each."""
    replies = [await visitor.send(text) for text in texts]
    return [await fate(visitor, reply) for reply in replies]


@pytest.mark.parametrize("apart", [False, True])
async def test_quick_messages_are_answered_as_one_and_the_joined_say_so(open_town: Any, apart: bool) -> None:
    town = await open_town(apart=apart)
    visitor = await town.visitor()
    assert await chatter(visitor, "hello", "I have a question", "about my card") == [
        ("", "joined"),
        ("", "joined"),
        ("Noted: hello\nI have a question\nabout my card", None),
    ]
    assert [text for who, text in await visitor.transcript() if who == "bot"] == [
        "Noted: hello\nI have a question\nabout my card"
    ]
    assert await visitor.say("and another") == ["Noted: and another"]


async def test_twenty_people_who_chatter_at_once_each_get_one_answer(open_town: Any) -> None:
    town = await open_town()
    people = [await town.visitor() for _ in range(20)]
    fates = await asyncio.gather(
        *(chatter(person, f"{n} one", f"{n} two") for n, person in enumerate(people))
    )
    assert fates == [[("", "joined"), (f"Noted: {n} one\n{n} two", None)] for n in range(20)]
    assert await town.owner.fetchval("select count(*) from inbox") == 0


async def test_a_message_of_its_own_meaning_is_not_joined(open_town: Any) -> None:
    town = await open_town()
    visitor = await town.visitor()
    assert await visitor.say("form") == ["Name?"]
    answered, cancelled = await chatter(visitor, "Ada", "cancel")
    assert answered == ("PIN?", None)
    assert cancelled[0].startswith("All right")


async def test_what_is_joined_at_a_sensitive_question_is_in_no_transcript(open_town: Any) -> None:
    town = await open_town()
    visitor = await town.visitor()
    assert await visitor.say("form") == ["Name?"]
    assert await chatter(visitor, "Ada", "Lovelace") == [("", "joined"), ("PIN?", None)]
    assert await chatter(visitor, "hunter1", "hunter2") == [
        ("", "joined"),
        ("Ada\nLovelace has a PIN of 15 characters", None),
    ]
    dump = await town.owner.fetch(
        "select m::text from messages m union all select c::text from conversation_state c"
    )
    assert not [row for row in dump if "hunter" in row[0]]


@pytest.mark.parametrize("apart", [False, True])
async def test_a_new_message_ends_what_is_being_said(open_town: Any, apart: bool) -> None:
    town = await open_town(apart=apart)
    visitor = await town.visitor()
    async with visitor.socket() as socket:
        endless = await visitor.send("story")
        await socket.next("delta")
        assert await visitor.say("again") == ["Once the end."]
    (cut,) = await visitor.answer(endless)
    assert cut.startswith("Once ")
    assert cut.endswith(" … (stopped)")
    rows = await town.owner.fetch("select content from messages where sender_type = 'bot' order by seq")
    assert [row["content"] for row in rows] == [cut, "Once the end."]


async def test_of_many_messages_at_once_only_the_last_is_answered_in_full(open_town: Any) -> None:
    town = await open_town()
    people = [await town.visitor() for _ in range(8)]

    async def insist(person: Visitor) -> list[str]:
        async with person.socket() as socket:
            endless = await person.send("story")
            await socket.next("delta")
            last = [await person.say("again") for _ in range(2)][-1]
        return [*await person.answer(endless), *last]

    for cut, whole in await asyncio.gather(*(insist(person) for person in people)):
        assert cut.endswith(" … (stopped)")
        assert whole == "Once the end."


async def test_a_flow_that_queues_is_not_interrupted(open_town: Any) -> None:
    town = await open_town()
    visitor = await town.visitor()
    async with visitor.socket() as socket:
        saga = await visitor.send("saga")
        await socket.next("delta")
        assert await visitor.say("again") == ["Once the end."]
    (whole,) = await visitor.answer(saga)
    assert whole.endswith("upon the end.")


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("point", ["committing", "committed"])
async def test_messages_are_joined_once_whenever_the_process_dies(
    fleet: Fleet, outside: Outside, http: ClientSession, point: str, turn: int
) -> None:
    """Killed around the commit that holds the first message, and around the one that answers both."""
    one = await fleet.start(points=(point,))
    visitor = await Visitor.enter(http, one.url)
    assert await visitor.say("diary") == ["What happened?"]
    hold = outside.hold(point)
    replies = [await visitor.send(text) for text in ("It rained", "all day")]
    await hold.reached()
    if turn == 2:
        later = outside.hold(point)
        hold.let_go()
        await later.reached()
    one.kill()
    visitor.url = (await fleet.start("again")).url
    assert [await visitor.answer(reply) for reply in replies] == [[], ["Kept: It rained\nall day"]]
    assert [text for who, text in await visitor.transcript() if who == "bot"] == [
        "What happened?",
        "Kept: It rained\nall day",
    ]
