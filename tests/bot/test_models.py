"""Asking a model: what is on record and what it costs, whatever happens."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from vaults import strongroom

from bot.emulators.model.server import ModelEmulator
from bot.models import ATTEMPTS, LONGEST_PAUSE_S, Models
from flows.llm.anthropic import Anthropic, Patience
from flows.llm.contract import ErrorKind, Finished, ModelError, ModelRequest, Said, Source, Text, Tool
from flows.llm.prices import PRICES
from storage.errors import NotFound, Unavailable
from storage.ids import uuid7
from storage.llm_calls import LlmCalls
from storage.spend import RESERVED_FOR, Spend, SpendCaps, Spent

MODEL = "claude-haiku-5-5"
REQUEST = ModelRequest(MODEL, "Be brief.", (Said("user", "my secret is 4711"),), max_tokens=200)
PATIENCE = Patience(connect=2.0, first_event=2.0, silence=2.0, whole=5.0)
DAY = "2026-03-02"


class Bench:
    """Models over a real database and the emulator; pauses are noted and not waited for."""

    def __init__(self, room, owner, emulator, provider, clock, tenant_id):
        self.room = room
        self.emulator = emulator
        self.tenant_id = tenant_id
        self.pauses = []
        self.spend = Spend(room.database, clock)
        self.models = Models(provider, LlmCalls(room.database, clock), self.spend, clock, sleep=self._sleep)
        self._owner = owner

    async def _sleep(self, seconds):
        self.pauses.append(seconds)

    def stream(self, request=REQUEST, **more):
        return self.models.stream(self.tenant_id, None, None, "answer", request, **more)

    async def ask(self, request=REQUEST, **more):
        async with aclosing(self.stream(request, **more)) as events:
            return [event async for event in events]

    async def failing(self, request=REQUEST, **more):
        events = []
        try:
            async with aclosing(self.stream(request, **more)) as stream:
                async for event in stream:
                    events.append(event)  # noqa: PERF401 – what came before the error counts
        except ModelError as error:
            return events, error
        pytest.fail(f"it went well: {events}")

    async def rows(self):
        return await self._owner.fetch("select * from llm_calls order by id")

    async def spent(self):
        return await self.spend.spent(self.tenant_id, "tenant", DAY)


@pytest.fixture
async def owner(database):
    import asyncpg

    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def bench(database, owner, clock):
    async with strongroom(database) as room, ModelEmulator() as emulator:
        provider = Anthropic(emulator.key, emulator.url, PATIENCE)
        tenant = await room.tenants.create("acme")
        yield Bench(room, owner, emulator, provider, clock, tenant.id)
        await provider.close()


async def test_a_good_answer_is_on_record_once_with_its_cost(bench):
    bench.emulator.script({"text": ["Hel", "lo"]})
    events = await bench.ask()
    assert events[:-1] == [Text("Hel"), Text("lo")]
    [row] = await bench.rows()
    usage = events[-1].usage
    assert (row["provider"], row["model"], row["purpose"]) == ("anthropic", MODEL, "answer")
    assert (row["prompt_tokens"], row["completion_tokens"]) == (usage.prompt_tokens, 2)
    assert row["cost_usd"] == PRICES[MODEL].cost(usage)
    assert row["error"] is None
    assert row["settled_at"] is not None
    assert row["latency_ms"] >= 0
    assert await bench.spent() == Spent(Decimal(0), row["cost_usd"])


async def test_the_row_is_there_while_the_model_answers_and_the_worst_case_is_reserved(bench):
    bench.emulator.script({"text": ["Hel", "lo"]})
    async with aclosing(bench.stream()) as events:
        await anext(events)
        [row] = await bench.rows()
        assert row["settled_at"] is None
        assert await bench.spent() == Spent(PRICES[MODEL].worst_case(REQUEST), Decimal(0))


async def test_nothing_that_anybody_wrote_is_on_record(bench):
    source = Source("Hours", "guide/hours.md", "The secret of the shop is 4711.")
    tool = Tool("find_order", "secret 4711", {"type": "object", "properties": {}})
    request = replace(REQUEST, sources=(source,), tools=(tool,), effort="low")
    await bench.ask(request)
    [row] = await bench.rows()
    kept = json.loads(row["request_payload"])
    assert kept["sources"] == ["guide/hours.md"]
    assert (kept["tools"], kept["messages"], kept["max_tokens"]) == (["find_order"], 1, 200)
    assert json.loads(row["response_payload"])["cited"] == [0]
    assert "4711" not in str(dict(row))
    assert "secret" not in str(dict(row))


@pytest.mark.parametrize("status", [429, 500, 529])
async def test_a_passing_error_is_tried_again_and_each_attempt_is_on_record(bench, status):
    bench.emulator.script({"error": status}, {"error": status}, {"text": "Hello"})
    assert (await bench.ask())[:-1] == [Text("Hello")]
    rows = await bench.rows()
    assert [bool(row["error"]) for row in rows] == [True, True, False]
    assert [row["cost_usd"] for row in rows[:2]] == [0, 0]
    assert all(row["settled_at"] for row in rows)
    assert len(bench.pauses) == 2
    assert await bench.spent() == Spent(Decimal(0), rows[-1]["cost_usd"])


async def test_after_the_last_attempt_it_is_given_up(bench):
    bench.emulator.script(*[{"error": 529}] * (ATTEMPTS + 1))
    events, error = await bench.failing()
    assert (events, error.kind) == ([], ErrorKind.OVERLOADED)
    assert len(await bench.rows()) == len(bench.emulator.requests) == ATTEMPTS
    assert await bench.spent() == Spent()


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_an_error_that_stays_is_not_tried_again(bench, status):
    bench.emulator.script({"error": status})
    await bench.failing()
    assert len(await bench.rows()) == 1
    assert bench.pauses == []


async def test_a_wait_that_is_asked_for_is_kept(bench):
    bench.emulator.script({"error": 429, "retry_after": 3}, {"text": "Hello"})
    await bench.ask()
    assert 3.0 <= bench.pauses[0] <= 3.6


async def test_who_asks_for_too_long_a_wait_is_not_asked_again(bench):
    bench.emulator.script({"error": 429, "retry_after": int(LONGEST_PAUSE_S) + 60})
    _, error = await bench.failing()
    assert error.kind is ErrorKind.RATE_LIMITED
    assert bench.pauses == []


@pytest.mark.parametrize("fault", ["cut", "error"])
async def test_an_answer_that_broke_off_is_not_said_twice(bench, fault):
    bench.emulator.script({"text": ["Hel", "lo"], "fault": fault, "after": 4}, {"text": ["Hel", "lo"]})
    events, error = await bench.failing()
    assert events == [Text("Hel")]
    assert error.transient
    [row] = await bench.rows()
    assert (row["cost_usd"], row["prompt_tokens"]) == (None, None)
    assert row["error"].startswith(str(error.kind))
    # Nobody knows what the provider charges: the worst case counts.
    assert await bench.spent() == Spent(Decimal(0), PRICES[MODEL].worst_case(REQUEST))


async def test_an_answer_that_broke_off_before_it_said_anything_is_tried_again(bench):
    bench.emulator.script({"text": ["Hel", "lo"], "fault": "cut", "after": 3}, {"text": ["Hel", "lo"]})
    assert (await bench.ask())[:-1] == [Text("Hel"), Text("lo")]
    assert [bool(row["error"]) for row in await bench.rows()] == [True, False]


async def test_a_tool_is_never_called_on_half_its_arguments(bench):
    call = {"tool_use": {"name": "find_order", "input": {"id": "1234567890"}}}
    bench.emulator.script(*[{**call, "fault": "cut", "after": after} for after in (4, 5, 6)])
    events, _ = await bench.failing(replace(REQUEST, tools=(Tool("find_order", "", {"type": "object"}),)))
    assert events == []
    assert len(await bench.rows()) == 3


async def test_a_cancelled_call_is_settled(bench):
    bench.emulator.script({"text": ["Hel", "lo"], "fault": "stall", "after": 4})
    said = asyncio.Event()

    async def read():
        async with aclosing(bench.stream()) as events:
            async for _ in events:
                said.set()

    reading = asyncio.create_task(read())
    await said.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    [row] = await bench.rows()
    assert (row["error"], row["cost_usd"]) == ("cancelled", None)
    assert row["settled_at"] is not None
    assert (await bench.spent()).reserved == 0


async def test_a_call_that_is_cancelled_before_it_answers_is_settled(bench):
    bench.emulator.script({"fault": "stall", "after": 0})
    reading = asyncio.create_task(bench.ask())
    await bench.emulator.arrived.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    [row] = await bench.rows()
    assert row["error"] == "cancelled"
    assert (await bench.spent()).reserved == 0


async def test_who_stops_listening_settles_the_call(bench):
    bench.emulator.script({"text": ["Hel", "lo"]})
    async with aclosing(bench.stream()) as events:
        await anext(events)
    [row] = await bench.rows()
    assert row["error"] == "cancelled"
    assert (await bench.spent()).reserved == 0


async def test_a_listener_that_fails_settles_the_call(bench):
    bench.emulator.script({"text": ["Hel", "lo"]})

    async def listen():
        async with aclosing(bench.stream()) as events:
            async for _ in events:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await listen()
    [row] = await bench.rows()
    assert row["error"] == "cancelled"


async def test_an_answer_is_settled_before_its_end_is_told(bench):
    async with aclosing(bench.stream()) as events:
        async for event in events:
            if isinstance(event, Finished):
                break
    [row] = await bench.rows()
    assert row["error"] is None
    assert row["settled_at"] is not None


async def test_beyond_the_cap_no_model_is_asked(bench):
    caps = SpendCaps(day=PRICES[MODEL].worst_case(REQUEST))
    bench.emulator.script({"text": "Hello"})
    await bench.ask(caps=caps)
    events, error = await bench.failing(caps=caps)
    assert (events, error.kind, error.transient) == ([], ErrorKind.CAP, False)
    assert "spend_cap_usd_day" in str(error)
    assert len(bench.emulator.requests) == 1
    refused = (await bench.rows())[-1]
    assert refused["error"].startswith("cap: ")
    assert refused["cost_usd"] == 0
    assert refused["settled_at"] is not None


async def test_many_at_once_stay_below_the_cap(bench):
    worst = PRICES[MODEL].worst_case(REQUEST)
    bench.emulator.script(*[{"text": "Hello", "delay": 0.05}] * 12)
    asked = [bench.ask(caps=SpendCaps(month=worst * Decimal("3.5"))) for _ in range(12)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, list) for each in told) == len(bench.emulator.requests) >= 3
    assert (await bench.spent()).settled <= worst * Decimal("3.5")
    assert all(row["settled_at"] for row in await bench.rows())


async def test_the_cap_of_yesterday_is_not_todays(bench, clock):
    caps = SpendCaps(day=PRICES[MODEL].worst_case(REQUEST))
    await bench.ask(caps=caps)
    clock.advance(timedelta(days=1))
    await bench.ask(caps=caps)


async def test_a_model_without_a_known_price_costs_nobody_knows_what(bench):
    await bench.ask(replace(REQUEST, model="claude-unheard-of"))
    [row] = await bench.rows()
    assert row["cost_usd"] is None
    assert row["completion_tokens"] > 0
    assert await bench.spent() == Spent()


async def test_a_call_whose_process_died_counts_at_its_worst(bench, clock):
    worst = PRICES[MODEL].worst_case(REQUEST)
    async with aclosing(bench.stream()) as events:
        await anext(events)
        clock.advance(RESERVED_FOR)
        assert await bench.spend.expire(bench.tenant_id) == 2
        assert await bench.spent() == Spent(Decimal(0), worst)
        rest = [event async for event in events]
    assert isinstance(rest[-1], Finished), "an answer that came late is still an answer"
    assert await bench.spent() == Spent(Decimal(0), worst), "and is not counted twice"


async def test_a_session_that_has_gone_is_not_found_and_nothing_is_asked(bench):
    with pytest.raises(NotFound):
        async with aclosing(bench.models.stream(bench.tenant_id, uuid7(), None, "answer", REQUEST)) as events:
            await anext(events)
    assert not bench.emulator.requests


async def test_without_the_database_no_model_is_asked(bench):
    await bench.room.database.close()
    with pytest.raises(Unavailable):
        await bench.ask()
    assert not bench.emulator.requests


async def test_an_answer_stays_when_it_cannot_be_settled(bench):
    bench.emulator.script({"text": ["Hel", "lo"]})
    async with aclosing(bench.stream()) as events:
        told = [await anext(events)]
        await bench.room.database.close()
        told += [event async for event in events]
    assert told[:-1] == [Text("Hel"), Text("lo")]
    assert isinstance(told[-1], Finished)
    [row] = await bench.rows()
    assert row["settled_at"] is None


async def test_an_answer_without_a_model_is_on_record_and_costs_nothing(bench):
    await bench.models.record_extractive(
        bench.tenant_id, None, None, "answer", sources=["guide/hours.md"], latency_ms=12
    )
    [row] = await bench.rows()
    assert (row["provider"], row["cost_usd"], row["latency_ms"], row["error"]) == ("extractive", 0, 12, None)
    assert json.loads(row["request_payload"]) == {"sources": ["guide/hours.md"]}
    assert row["settled_at"] is not None


async def test_without_a_provider_nothing_is_asked_and_quotes_are_on_record(bench, clock):
    database = bench.room.database
    models = Models(None, LlmCalls(database, clock), bench.spend, clock)
    assert models.provider is None
    with pytest.raises(ModelError, match="ANTHROPIC_API_KEY"):
        await anext(models.stream(bench.tenant_id, None, None, "answer", REQUEST))
    assert await bench.rows() == []
    await models.record_extractive(bench.tenant_id, None, None, "answer", sources=[], latency_ms=1)
    assert len(await bench.rows()) == 1
