from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from storage.errors import NotFound
from storage.ids import uuid7
from storage.llm_calls import CallEnd, LlmCalls, NewCall

CALL = NewCall(None, None, "answer", "anthropic", "claude-haiku-5-5", {"max_tokens": 1024})
END = CallEnd(100, 20, Decimal("0.000020"), 350, None, {"stop": "ended"})


@pytest.fixture
def calls(room, clock):
    return LlmCalls(room.database, clock)


async def stored(owner, call_id):
    return dict(await owner.fetchrow("select * from llm_calls where id = $1", call_id))


async def test_a_call_is_there_before_it_is_made(calls, acme, owner, clock):
    call_id = await calls.begin(acme, CALL)
    row = await stored(owner, call_id)
    assert (row["tenant_id"], row["provider"], row["model"]) == (acme, "anthropic", "claude-haiku-5-5")
    assert row["created_at"] == clock()
    assert (row["settled_at"], row["cost_usd"], row["error"]) == (None, None, None)


async def test_a_settled_call_says_what_it_came_to(calls, acme, owner, clock):
    call_id = await calls.begin(acme, CALL)
    clock.advance(timedelta(seconds=2))
    assert await calls.settle(acme, call_id, END)
    row = await stored(owner, call_id)
    assert (row["prompt_tokens"], row["completion_tokens"], row["latency_ms"]) == (100, 20, 350)
    assert row["cost_usd"] == Decimal("0.000020")
    assert row["settled_at"] == clock()


async def test_of_many_ends_the_first_stays(calls, acme, owner):
    call_id = await calls.begin(acme, CALL)
    ends = [CallEnd(error=f"end {number}") for number in range(20)]
    wrote = await asyncio.gather(*(calls.settle(acme, call_id, end) for end in ends))
    assert wrote.count(True) == 1
    assert (await stored(owner, call_id))["error"] == ends[wrote.index(True)].error


async def test_an_unknown_cost_is_no_cost_of_zero(calls, acme, owner):
    call_id = await calls.record(acme, CALL, CallEnd(100, 20))
    assert (await stored(owner, call_id))["cost_usd"] is None


async def test_another_tenant_can_neither_settle_nor_see_it(calls, room, acme, owner):
    call_id = await calls.begin(acme, CALL)
    other = (await room.tenants.create("other")).id
    assert not await calls.settle(other, call_id, END)
    assert (await stored(owner, call_id))["settled_at"] is None


@pytest.mark.parametrize("place", ["session_id", "message_id"])
async def test_a_call_for_a_session_that_has_gone_is_not_found(calls, acme, place):
    gone = {"session_id": None, "message_id": None} | {place: uuid7()}
    with pytest.raises(NotFound):
        await calls.begin(acme, NewCall(**gone, purpose="answer", provider="anthropic", model="m"))
    with pytest.raises(NotFound):
        await calls.record(acme, NewCall(**gone, purpose="answer", provider="anthropic", model="m"), END)
