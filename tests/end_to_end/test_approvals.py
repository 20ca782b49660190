"""Approvals in running processes: an operator's yes, the asker's, and none, through restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import until
from house import House, open_house
from people import Visitor, payload_of

from bot.demo import ensure_demo
from storage.approval_records import ApprovalStatus
from storage.approvals import ApprovalView, Decided, WantedApprovals
from storage.audit import Actor, ActorKind

FLOWS = """
from flows import Chat, Flow, anyone, idempotency_key, not_the_asker

pay = Flow("pay", phrases=["pay"])
grant = Flow("grant", phrases=["grant"])
secret = Flow("secret", phrases=["secret"], sensitive=True)

SENT = []


async def send(payee, amount):
    SENT.append((payee, amount, idempotency_key()))
    return f"R{len(SENT)}"


async def ask_for(chat, by):
    payee = await chat.ask("payee", "To whom?")
    yes = await chat.approve(f"Send 40 euros to {payee}", send, payee, 40, by=by)
    if not yes:
        await chat.end(f"Not sent: {yes.status}, {yes.reason}")
    await chat.say(f"Sent: {await chat.call(send, payee, 40, approval=yes)}")


@pay
async def script(chat: Chat) -> None:
    await ask_for(chat, anyone)


@grant
async def granted(chat: Chat) -> None:
    await ask_for(chat, not_the_asker)


@secret
async def hidden(chat: Chat) -> None:
    await ask_for(chat, not_the_asker)
"""

OpenHouse: TypeAlias = Callable[[], AbstractAsyncContextManager[House]]


@pytest.fixture
def opened(database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path) -> OpenHouse:
    """Opens a process that serves the bot above; all share the database and the clock."""
    flows = tmp_path / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "paying.py").write_text(FLOWS)
    return lambda: open_house(database, redis_url, tmp_path / "bots", {}, clock)


async def begin(http: ClientSession, house: House, phrase: str = "pay") -> Visitor:
    await ensure_demo(house.runtime)
    visitor = await Visitor.enter(http, house.url, "demo")
    assert await visitor.say(phrase) == ["To whom?"]
    assert (await visitor.say("Ada"))[0].startswith("Send 40 euros to Ada")
    return visitor


async def waiting(house: House) -> tuple[Actor, ApprovalView]:
    """An operator, and the approval that can be decided."""
    tenant = await house.runtime.tenants.find("demo")
    ann = Actor(tenant.id, ActorKind.OPERATOR, "ann")
    [view] = await pending(house, ann)
    return ann, view


async def pending(house: House, by: Actor) -> tuple[ApprovalView, ...]:
    """What can be decided."""
    wanted = WantedApprovals(ApprovalStatus.PENDING)
    return (await house.runtime.approvals.page(by, wanted, after=None, limit=100)).approvals


async def told(visitor: Visitor, text: str) -> None:
    async def heard() -> bool:
        return (await visitor.transcript())[-1] == ("bot", text)

    await until(heard, text)


@pytest.mark.parametrize("phrase", ["pay", "grant", "secret"])
async def test_an_operators_yes_moves_the_conversation(
    phrase: str, opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await begin(http, house, phrase)
        ann, view = await waiting(house)
        assert (view.action, view.shown) == ("paying.send", "Send 40 euros to Ada")
        decided = await house.runtime.approvals.decide(ann, view.id, True, shown_hash=view.shown_hash)
        assert decided is Decided.ACCEPTED
        await told(visitor, "Sent: R1")
        done = await house.runtime.approvals.show(ann, view.id)
        assert (done.decision.status, done.decision.by) == (ApprovalStatus.USED, "operator:ann")
    audited = await owner.fetch("select action, actor_id, detail from audit_log order by id")
    assert [tuple(row)[:2] for row in audited] == [("approval.decide", "ann"), ("approval.read", "ann")]


async def test_it_is_decided_after_a_restart(
    opened: OpenHouse, http: ClientSession, clock: MovableClock
) -> None:
    async with opened() as house:
        visitor = await begin(http, house)
    clock.advance(timedelta(minutes=9))
    async with opened() as house:
        visitor.url = house.url
        ann, view = await waiting(house)
        await house.runtime.approvals.decide(ann, view.id, False, "not today", shown_hash=view.shown_hash)
        await told(visitor, "Not sent: rejected, not today")


async def test_when_the_time_is_up_nothing_is_done(
    opened: OpenHouse, http: ClientSession, clock: MovableClock
) -> None:
    async with opened() as house:
        visitor = await begin(http, house)
        ann, view = await waiting(house)
        clock.advance(timedelta(minutes=10))
        await told(visitor, "Not sent: expired, None")
        decided = await house.runtime.approvals.decide(ann, view.id, True, shown_hash=view.shown_hash)
        assert decided is Decided.EXPIRED


async def test_the_person_and_several_operators_at_once_are_one_decision(
    opened: OpenHouse, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    async with opened() as house:
        visitor = await begin(http, house)
        ann, view = await waiting(house)
        approve = payload_of((await visitor.messages())[-1], "Approve")

        async def say(n: int) -> Decided:
            by = Actor(ann.tenant_id, ActorKind.OPERATOR, f"op{n}")
            return await house.runtime.approvals.decide(by, view.id, n % 2 == 0, shown_hash=view.shown_hash)

        pressed, *outcomes = await asyncio.gather(
            visitor.say("Approve", payload=approve), *(say(n) for n in range(10))
        )
        assert isinstance(pressed, list)
        assert Counter(outcomes)[Decided.ACCEPTED] <= 1

        async def quiet() -> bool:
            return bool(await owner.fetchval("select count(*) = 0 from inbox"))

        await until(quiet, "nothing left to do")
        row = await owner.fetchrow("select status, decided_by from approvals")
        sent = [text for _, text in await visitor.transcript() if text.startswith("Sent: ")]
        assert (row["status"], sent) in [("used", ["Sent: R1"]), ("rejected", [])]


async def test_what_a_cancelled_flow_asked_for_can_no_longer_be_approved(
    opened: OpenHouse, http: ClientSession
) -> None:
    async with opened() as house:
        visitor = await begin(http, house)
        ann, view = await waiting(house)
        await visitor.say("cancel")
        assert await pending(house, ann) == ()
        decided = await house.runtime.approvals.decide(ann, view.id, True, shown_hash=view.shown_hash)
        assert decided is Decided.EXPIRED
