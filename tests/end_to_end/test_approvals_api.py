"""Operators decide over the API of a running process: by what they saw, once, in their tenant, and on record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from desks import Desk, calls_in_the_guide, employ
from fleet import until
from house import House, open_house
from people import Visitor

from storage.operators import Role

FLOWS = """
from flows import Chat, Flow, not_the_asker, operators

pay = Flow("pay", phrases=["pay"])
board = Flow("board", phrases=["board"])
secret = Flow("secret", phrases=["secret"], sensitive=True)


async def send(amount):
    return "R1"


async def ask_for(chat, by):
    yes = await chat.approve("Send 40 euros", send, 40, by=by)
    await chat.say(f"Sent: {await chat.call(send, 40, approval=yes)}" if yes else f"Not sent: {yes.reason}")


@pay
async def script(chat: Chat) -> None:
    await ask_for(chat, not_the_asker)


@board
async def ask_board(chat: Chat) -> None:
    await ask_for(chat, operators("ann"))


@secret
async def hidden(chat: Chat) -> None:
    await ask_for(chat, not_the_asker)
"""


@pytest.fixture
async def house(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[House]:
    for slug in ("acme", "beta"):
        (tmp_path / "bots" / slug / "flows").mkdir(parents=True)
        (tmp_path / "bots" / slug / "flows" / "paying.py").write_text(FLOWS)
    async with open_house(database, redis_url, tmp_path / "bots", {}, clock) as house:
        for slug in ("acme", "beta"):
            tenant = await house.runtime.tenants.create(slug)
            await house.runtime.channels.create(tenant.id, "web", slug)
        yield house


async def asked(house: House, http: ClientSession, phrase: str = "pay") -> Visitor:
    visitor = await Visitor.enter(http, house.url)
    assert (await visitor.say(phrase))[0].startswith("Send 40 euros")
    return visitor


async def newest(desk: Desk) -> dict[str, Any]:
    """The approval that was asked for last, as it is shown."""
    _, page = await desk("GET", "approvals?status=pending&limit=1")
    status, shown = await desk("GET", f"approvals/{page['approvals'][0]['approval_id']}")
    assert status == 200
    return dict(shown)


async def decide(desk: Desk, shown: dict[str, Any], decision: str = "approve", **more: Any) -> Any:
    """(status, outcome or code)."""
    body = {"decision": decision, "shown_hash": shown["shown_hash"]} | more
    status, told = await desk("POST", f"approvals/{shown['approval_id']}", json=body)
    return status, told["outcome"] if status == 200 else told["error"]["code"]


async def told(visitor: Visitor, text: str) -> None:
    async def heard() -> bool:
        return (await visitor.transcript())[-1] == ("bot", text)

    await until(heard, text)


@pytest.mark.parametrize("phrase", ["pay", "secret"])
async def test_what_an_operator_was_shown_is_done_when_they_say_yes(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any], phrase: str
) -> None:
    visitor = await asked(house, http, phrase)
    zoe = await employ(house, http, "zoe")
    shown = await newest(zoe)
    assert (shown["shown"], shown["action"], shown["status"]) == ("Send 40 euros", "paying.send", "pending")
    assert await decide(zoe, shown, reason="It is fine.") == (200, "accepted")
    await told(visitor, "Sent: R1")
    assert await decide(zoe, shown) == (200, "duplicate")
    done = (await zoe("GET", f"sessions/{shown['session_id']}"))[1]["approvals"]
    assert [(each["status"], each["decided_by"], each["reason"], each["shown"]) for each in done] == [
        ("used", "operator:zoe", "It is fine.", "Send 40 euros")
    ]
    assert (await zoe("GET", "approvals?status=pending"))[1]["approvals"] == []
    rows = await owner.fetch("select action, detail, actor_kind, object_id from audit_log order by id")
    assert [(row["action"], json.loads(row["detail"])) for row in rows] == [
        ("approval.read", {}),
        ("approval.decide", {"approve": True}),
        ("approval.decide", {"approve": True}),
        ("approval.decide_void", {"outcome": "duplicate"}),
        ("session.read", {}),
    ]
    assert {row["actor_kind"] for row in rows} == {"operator"}
    assert {row["object_id"] for row in rows[:4]} == {shown["approval_id"]}


async def test_of_many_operators_who_decide_at_once_one_counts(house: House, http: ClientSession) -> None:
    visitor = await asked(house, http)
    desks = [await employ(house, http, f"op{n}") for n in range(8)]
    shown = await newest(desks[0])
    answers = await asyncio.gather(
        *(decide(desk, shown, "approve" if n % 2 else "reject") for n, desk in enumerate(desks))
    )
    assert sorted(answers) == [(200, "accepted")] + [(409, "already_decided")] * 7
    yes = answers.index((200, "accepted")) % 2
    await told(visitor, "Sent: R1" if yes else "Not sent: None")


async def test_a_decision_that_may_not_count_is_refused_and_changes_nothing(
    house: House, http: ClientSession, clock: MovableClock
) -> None:
    await asked(house, http, "board")
    zoe, ann = await employ(house, http, "zoe"), await employ(house, http, "ann")
    viewer = await employ(house, http, "ron", Role.VIEWER)
    shown = await newest(viewer)
    assert shown["may_decide"] == {"asker": False, "any_operator": False, "operators": ["ann"]}
    assert await decide(viewer, shown) == (403, "forbidden")
    assert await decide(zoe, shown) == (409, "not_an_approver")
    assert await decide(ann, shown | {"shown_hash": "0" * 64}) == (409, "other_hash")
    assert (await newest(viewer))["status"] == "pending"
    clock.advance(timedelta(minutes=10))
    assert await decide(ann, shown) == (409, "approval_expired")
    assert (await viewer("GET", f"approvals/{shown['approval_id']}"))[1]["status"] == "expired"


async def test_another_tenants_approval_is_as_unknown_as_any(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    await asked(house, http)
    ours, theirs = await employ(house, http, "zoe"), await employ(house, http, "zoe", slug="beta")
    shown = await newest(ours)
    before = await owner.fetchval("select count(*) from audit_log where actor_id = 'zoe'")
    for query in ("", "?status=pending", f"?session={shown['session_id']}"):
        assert (await theirs("GET", f"approvals{query}"))[1] == {"approvals": [], "cursor": None}
    unknown = await theirs("GET", f"approvals/{uuid4()}")
    assert unknown[0] == 404
    assert await theirs("GET", f"approvals/{shown['approval_id']}") == unknown
    assert await decide(theirs, shown) == (404, "not_found")
    beta = (await house.runtime.tenants.find("beta")).id
    noted = await owner.fetch(
        "select action, session_id, tenant_id from audit_log order by id offset $1", before
    )
    assert [tuple(row) for row in noted] == [
        ("approval.decide", None, beta),
        ("approval.decide_void", None, beta),
    ]
    assert (await newest(ours))["status"] == "pending"


async def test_what_cannot_be_put_on_record_is_neither_shown_nor_decided(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    await asked(house, http)
    zoe = await employ(house, http, "zoe")
    shown = await newest(zoe)
    await owner.execute(
        "create function full_disk() returns trigger language plpgsql as "
        "$$ begin raise exception using errcode = '53100', message = 'disk full'; end $$"
    )
    await owner.execute(
        "create trigger full_disk before insert on audit_log for each row execute function full_disk()"
    )
    assert await decide(zoe, shown) == (503, "unavailable")
    assert (await zoe("GET", f"approvals/{shown['approval_id']}"))[0] == 503
    await owner.execute("drop trigger full_disk on audit_log")
    assert (await newest(zoe))["status"] == "pending"


async def test_the_calls_in_the_guide_decide_as_they_are_written(house: House, http: ClientSession) -> None:
    visitor = await asked(house, http)
    zoe = await employ(house, http, "zoe")
    shown = await newest(zoe)
    calls = [each for each in calls_in_the_guide() if "/approvals" in each[1]]
    assert [method for method, *_ in calls] == ["GET", "GET", "POST"]
    for method, address, body, with_token in calls:
        assert with_token
        url = address.replace("http://localhost:8080", house.url).replace("$APPROVAL", shown["approval_id"])
        given = None if body is None else body.replace(b"$HASH", shown["shown_hash"].encode())
        headers = {"Authorization": f"Bearer {zoe.token}"}
        async with http.request(method, url, data=given, headers=headers) as answer:
            assert answer.status == 200, (address, await answer.text())
    await told(visitor, "Not sent: Over the limit of this month.")
