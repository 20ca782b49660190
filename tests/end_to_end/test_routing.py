"""Routing from outside: a model chooses, on record; likeness decides without one; the model is loaded only for that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from house import House, open_house
from people import Visitor

from bot.answers import ModelAccess
from bot.demo import ensure_demo
from bot.emulators.model.server import KEY, ModelEmulator

FLOWS = """from flows import Flow

hours = Flow("hours", description="Tells when we are open", phrases=["opening hours"])
cake = Flow("cake", description="Orders a birthday cake", phrases=["order a cake"])
repair_cancel = Flow("repair_cancel")


@hours
async def tell_hours(chat):
    await chat.say("From nine to five.")


@cake
async def order_cake(chat):
    await chat.say(f"A cake: {chat.opening}")


@repair_cancel
async def cancelled(chat):
    await chat.say("Gone.")
"""


@dataclass
class Bakery:
    house: House
    visitor: Visitor
    owner: asyncpg.Connection[Any]

    async def calls(self) -> list[tuple[str, str | None]]:
        rows = await self.owner.fetch(
            "select purpose, error, session_id, message_id from llm_calls order by id"
        )
        assert all(row["session_id"] and row["message_id"] for row in rows)
        return [(row["purpose"], row["error"]) for row in rows]

    @property
    def embedder_is_loaded(self) -> bool:
        return self.house.runtime.answers.embedder.is_loaded


@pytest.fixture
async def emulator() -> AsyncIterator[ModelEmulator]:
    async with ModelEmulator() as emulator:
        yield emulator


@pytest.fixture
async def open_bakery(
    database: DatabaseUrls, redis_url: str, tmp_path: Path, clock: MovableClock
) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:

        async def open_it(model: ModelAccess | None, flows: str = FLOWS) -> Bakery:
            folder = tmp_path / "bots" / "demo" / "flows"
            folder.mkdir(parents=True)
            (folder / "bakery.py").write_text(flows)
            house = await stack.enter_async_context(
                open_house(database, redis_url, tmp_path / "bots", {}, clock, model=model)
            )
            await ensure_demo(house.runtime)
            owner = await asyncpg.connect(database.owner_url)
            stack.push_async_callback(owner.close)
            http = await stack.enter_async_context(ClientSession())
            return Bakery(house, await Visitor.enter(http, house.url, "demo"), owner)

        yield open_it


async def test_a_model_routes_and_that_is_on_record(open_bakery: Any, emulator: ModelEmulator) -> None:
    bakery = await open_bakery(ModelAccess(KEY, emulator.url))
    emulator.script({"tool_use": {"name": "choose_flow", "input": {"flows": ["cake"]}}})
    assert await bakery.visitor.say("something sweet for Ada") == ["A cake: something sweet for Ada"]
    assert await bakery.calls() == [("route", None)]
    (request,) = emulator.requests
    assert request.body["tools"][0]["name"] == "choose_flow"
    assert "repair_cancel" not in str(request.body)
    assert not bakery.embedder_is_loaded


async def test_where_the_model_fails_likeness_decides(open_bakery: Any, emulator: ModelEmulator) -> None:
    bakery = await open_bakery(ModelAccess(KEY, emulator.url))
    emulator.script({"error": 400})
    assert await bakery.visitor.say("I want a cake") == ["A cake: I want a cake"]
    ((purpose, error),) = await bakery.calls()
    assert purpose == "route"
    assert error is not None


async def test_without_a_model_likeness_decides(open_bakery: Any) -> None:
    bakery = await open_bakery(None)
    assert await bakery.visitor.say("I want a cake") == ["A cake: I want a cake"]
    assert await bakery.calls() == []


async def test_nothing_is_asked_or_loaded_for_a_phrase_a_button_or_a_command(
    open_bakery: Any, emulator: ModelEmulator
) -> None:
    bakery = await open_bakery(ModelAccess(KEY, emulator.url))
    assert await bakery.visitor.say("opening hours") == ["From nine to five."]
    await bakery.visitor.say("help")
    assert not emulator.requests
    assert not bakery.embedder_is_loaded


async def test_nothing_is_asked_or_loaded_for_a_bot_without_flows(
    open_bakery: Any, emulator: ModelEmulator
) -> None:
    bakery = await open_bakery(ModelAccess(KEY, emulator.url), "")
    assert await bakery.visitor.say("I want a cake") == ["I have found nothing about that."]
    assert not emulator.requests
    assert not bakery.embedder_is_loaded
