"""Flows that gather, remember, continue and generate, in running processes; and flows with mistakes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
import structlog
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import Fleet, until
from house import House, open_house
from outside import Outside
from people import Visitor

from bot.answers import ModelAccess
from bot.demo import ensure_demo
from bot.emulators.model.server import KEY, ModelEmulator

FLOWS = """
import os

import aiohttp

from flows import CallFailed, Chat, Flow, idempotency_key

errand = Flow("errand", patterns=["^errand$"])
pin = Flow("pin", patterns=["^pin$"])
parts = Flow("parts", patterns=["^parts$"])
poem = Flow("poem", patterns=["^poem$"])
broken = Flow("broken", patterns=["^broken$"])
stuck = Flow("stuck", patterns=["^stuck$"])


async def outside(name):
    headers = {"Idempotency-Key": idempotency_key()}
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{os.environ['OUTSIDE_URL']}/calls/{name}", headers=headers) as answer:
            return str((await answer.json())["value"])


@errand
async def run_errand(chat: Chat) -> None:
    count = await chat.flag("errands", 0) + 1
    await chat.remember("errands", count)
    bread, milk = await chat.gather(
        chat.call(outside, "bread", timeout=60), chat.call(outside, "milk", timeout=60)
    )
    await chat.end(f"Errand {count}: {bread}, {milk}.", resolved=True)


@pin
async def keep_pin(chat: Chat) -> None:
    kept = await chat.flag("pin")
    if kept is None:
        await chat.remember("pin", await chat.ask("pin", "Your pin?", sensitive=True), sensitive=True)
        await chat.end("I will remember.")
    await chat.say(f"It ends in {kept[-2:]}.")


@parts
async def ask_parts(chat: Chat, number: int = 1) -> None:
    await chat.ask("sure", f"Part {number}?")
    if number < 3:
        await chat.continue_as(parts, number=number + 1)
    await chat.say("All done.")


@poem
async def write_poem(chat: Chat) -> None:
    try:
        await chat.generate("Write a poem.", stream=True)
    except CallFailed as failure:
        await chat.say(f"No poem: {failure.kind}.")
    await chat.ask("like", "Do you like it?")


@broken
async def give_a_set(chat: Chat) -> None:
    await chat.ask("what", "What?")
    await chat.memo("what", lambda: {1, 2})


@stuck
async def say_for_ever(chat: Chat) -> None:
    await chat.ask("what", "What?")
    while True:
        await chat.say("again")
"""
Open: TypeAlias = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def bots(tmp_path: Path) -> Path:
    for tenant in ("demo", "acme"):
        flows = tmp_path / "bots" / tenant / "flows"
        flows.mkdir(parents=True)
        (flows / "errands.py").write_text(FLOWS)
    return tmp_path / "bots"


@pytest.fixture
def opened(database: DatabaseUrls, redis_url: str, clock: MovableClock, bots: Path) -> Open:
    return lambda model=None: open_house(database, redis_url, bots, {}, clock, model=model)


@pytest.fixture
async def emulator() -> AsyncIterator[ModelEmulator]:
    async with ModelEmulator() as emulator:
        yield emulator


async def enter(http: ClientSession, house: House) -> Visitor:
    await ensure_demo(house.runtime)
    return await Visitor.enter(http, house.url, "demo")


async def test_killed_in_a_gather_what_is_on_record_is_not_called_again_and_it_counts_once(
    fleet: Fleet, outside: Outside, http: ClientSession, owner: asyncpg.Connection[Any], bots: Path
) -> None:
    one = await fleet.start("one", bots_dir=str(bots))
    visitor = await Visitor.enter(http, one.url)
    hold = outside.hold("call:milk")
    await visitor.send("errand", message_id="errand")
    await hold.reached()

    async def bread_is_on_record() -> bool:
        return bool(await owner.fetchval("select checkpoint::text like '%bread-1%' from conversation_state"))

    await until(bread_is_on_record, "the call that returned to be on record while the other is under way")
    assert await owner.fetchval("select count(*) from user_flags") == 0
    one.kill()
    two = await fleet.start("two", bots_dir=str(bots))
    hold.let_go()
    await visitor.insist_on_all(at=two.url)
    expected = [("user", "errand"), ("bot", "Errand 1: bread-1, milk-1.")]

    async def answered() -> bool:
        return len(await visitor.transcript()) == len(expected)

    await until(answered, "the answer")
    assert await visitor.transcript() == expected
    assert len(outside.keys("bread")) == 1
    assert len(set(outside.keys("milk"))) == 1
    assert [row["value"] for row in await owner.fetch("select value::text from user_flags")] == ["1"]
    assert await owner.fetchval("select resolved from sessions")
    assert await visitor.say("errand") == ["Errand 2: bread-2, milk-2."]


async def test_what_is_remembered_is_sealed_and_known_after_a_restart_in_another_session(
    opened: Open, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await enter(http, house)
        await visitor.say("pin")
        assert await visitor.say("pin-4711") == ["I will remember."]
    row = await owner.fetchrow("select value, sealed from user_flags")
    assert row["value"] is None
    assert b"4711" not in row["sealed"]
    await owner.execute("update sessions set status = 'closed', ended_at = now(), end_reason = 'ended'")
    async with opened() as house:
        visitor.url = house.url
        assert await visitor.say("pin") == ["It ends in 11."]
    assert await owner.fetchval("select count(*) from sessions") == 2


async def test_a_conversation_in_parts_goes_on_after_a_restart(opened: Open, http: ClientSession) -> None:
    async with opened() as house:
        visitor = await enter(http, house)
        assert await visitor.say("parts") == ["Part 1?"]
        assert await visitor.say("yes") == ["Part 2?"]
    async with opened() as house:
        visitor.url = house.url
        assert await visitor.say("yes") == ["Part 3?"]
        assert await visitor.say("yes") == ["All done."]


async def test_a_model_writes_once_on_record_and_without_one_the_flow_goes_on(
    opened: Open, http: ClientSession, owner: asyncpg.Connection[Any], emulator: ModelEmulator
) -> None:
    async with opened(ModelAccess(KEY, emulator.url)) as house:
        visitor = await enter(http, house)
        poem, question = await visitor.say("poem")
        assert poem
        assert question == "Do you like it?"
        assert await visitor.say("yes") == []
    (call,) = await owner.fetch("select purpose, error, cost_usd, message_id from llm_calls")
    assert (call["purpose"], call["error"]) == ("generate", None)
    assert call["cost_usd"] > 0
    assert call["message_id"] is not None
    async with opened() as house:
        visitor.url = house.url
        assert await visitor.say("poem") == ["No poem: no_model.", "Do you like it?"]


@pytest.mark.parametrize(("flow", "kind"), [("broken", "Unrecordable"), ("stuck", "FlowMistake")])
async def test_a_flow_with_a_mistake_leaves_a_way_on_and_others_do_not_notice(
    opened: Open, http: ClientSession, owner: asyncpg.Connection[Any], flow: str, kind: str
) -> None:
    async with opened() as house:
        visitor, other = await enter(http, house), await enter(http, house)
        await visitor.say(flow)
        await other.say("parts")
        with structlog.testing.capture_logs() as logged:
            (apology,), answer = await asyncio.gather(visitor.say("this"), other.say("yes"))
        assert apology.startswith("Sorry, something went wrong on my side.")
        assert answer == ["Part 2?"]
        assert await visitor.say("cancel") == ["All right, I have stopped that."]
        assert await visitor.say("parts") == ["Part 1?"]
    (failed,) = [event for event in logged if event["event"] == "flow_failed"]
    assert re.fullmatch(rf"{kind} in flow '{flow}' at \S+errands\.py:\d+ \(what#\d\)", failed["error"])
    assert await owner.fetchval("select error from inbox where status = 'dead'") == failed["error"]
