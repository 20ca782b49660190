"""Operators over the API of a running process: they read, take over, answer, give back; and it is all on record."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from desks import Desk, calls_in_the_guide, employ, tenant
from fleet import until
from house import House, open_house
from people import Visitor
from redis.asyncio import Redis
from samples import SAMPLES

from storage.operators import Role

FLOWS = """
from flows import Chat, Flow

form = Flow("form", phrases=["form"])
pay = Flow("pay", phrases=["order"])
pin = Flow("pin", phrases=["pin"])


@form
async def fill(chat: Chat) -> None:
    name = await chat.ask("name", "Your name?")
    await chat.say(f"Hello {name}.")


@pay
async def order(chat: Chat) -> None:
    await chat.say(f"Thank you for {await chat.wait(event='paid')}.")


@pin
async def ask_pin(chat: Chat) -> None:
    await chat.ask("pin", "Your secret number?", sensitive=True)
    await chat.ask("next", "What next?")
"""


@pytest.fixture
async def house(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[House]:
    for slug in ("acme", "beta"):
        (tmp_path / "bots" / slug / "flows").mkdir(parents=True)
        (tmp_path / "bots" / slug / "flows" / "desk.py").write_text(FLOWS)
    objects = tmp_path / "objects"
    async with open_house(database, redis_url, tmp_path / "bots", {}, clock, object_store=objects) as house:
        for slug in ("acme", "beta"):
            tenant = await house.runtime.tenants.create(slug)
            await house.runtime.channels.create(tenant.id, "web", slug)
        yield house


async def audit(owner: asyncpg.Connection[Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(actor, action, detail) of all that is on record, in order."""
    rows = await owner.fetch("select actor_id, action, detail from audit_log order by id")
    return [(row["actor_id"], row["action"], json.loads(row["detail"])) for row in rows]


async def settled(visitor: Visitor, count: int) -> list[tuple[str, str]]:
    """The transcript once it has so many lines."""

    async def long_enough() -> bool:
        return len(await visitor.transcript()) >= count

    await until(long_enough, f"{count} messages")
    return await visitor.transcript()


async def test_an_operator_takes_over_answers_and_gives_back(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    zoe = await employ(house, http, "zoe")
    session = await zoe.only_session()
    assert await zoe("POST", f"sessions/{session}/take") == (202, {"outcome": "accepted"})
    await visitor.send("Is anybody there?")
    said = {"id": "m1", "text": "I am. Zoe here."}
    for outcome in ("accepted", "duplicate", "duplicate"):
        assert await zoe("POST", f"sessions/{session}/messages", json=said) == (202, {"outcome": outcome})
    assert (await settled(visitor, 4))[2:] == [("user", "Is anybody there?"), ("agent", "I am. Zoe here.")]

    _, listed = await zoe("GET", "sessions?status=handoff&mine=true")
    [mine] = listed["sessions"]
    assert (mine["owner"], mine["flow"], mine["user"]["external_id"][:8]) == ("zoe", "form", "visitor:")
    _, shown = await zoe("GET", f"sessions/{session}/messages")
    assert [(each["sender_type"], each["operator"], each["content"]) for each in shown["messages"]][2:] == [
        ("user", None, "Is anybody there?"),
        ("agent", "zoe", "I am. Zoe here."),
    ]

    assert (await zoe("POST", f"sessions/{session}/resume", json={"id": "r1"}))[0] == 202

    async def with_the_bot() -> bool:
        return bool((await zoe("GET", f"sessions/{session}"))[1]["status"] == "active")

    await until(with_the_bot, "the bot to have it again")
    assert (await visitor.say("Ada"))[-1] == "Hello Ada."
    assert (await zoe("POST", f"sessions/{session}/resume"))[1]["error"]["code"] == "not_handed_over"

    done = [(action, detail) for actor, action, detail in await audit(owner) if actor == "zoe"]
    assert [each for each in done if each[0] != "session.read"] == [
        ("session.take", {}),
        ("session.reply", {}),
        ("session.reply", {}),
        ("session.reply_void", {"outcome": "duplicate"}),
        ("session.reply", {}),
        ("session.reply_void", {"outcome": "duplicate"}),
        ("transcript.read", {"from": 1, "to": 4}),
        ("session.resume", {}),
        ("session.resume", {}),
        ("session.resume_void", {"outcome": "not_handed_over"}),
    ]
    whole = await owner.fetchval("select string_agg(a::text, ' ') from audit_log a")
    assert "Zoe here" not in whole
    assert "anybody" not in whole


async def test_another_operator_has_to_say_that_they_mean_it(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    zoe, yan = await employ(house, http, "zoe"), await employ(house, http, "yan")
    session = await zoe.only_session()
    await zoe("POST", f"sessions/{session}/take")
    status, refused = await yan("POST", f"sessions/{session}/messages", json={"id": "m", "text": "Yan here"})
    assert (status, refused["error"]["code"]) == (409, "session_owned")
    assert refused["error"]["detail"].startswith("zoe has this session")
    assert (await yan("POST", f"sessions/{session}/take", json={"force": True}))[0] == 202
    assert (await zoe("GET", f"sessions/{session}"))[1]["owner"] == "yan"
    assert (await audit(owner))[1:4] == [
        ("yan", "session.reply", {}),
        ("yan", "session.reply_void", {"outcome": "owned"}),
        ("yan", "session.take", {"force": True}),
    ]
    assert (await zoe("POST", f"sessions/{session}/close", json={"resolved": True, "force": True}))[0] == 202

    async def closed() -> Any:
        return (await zoe("GET", f"sessions/{session}"))[1]["status"] == "closed"

    await until(closed, "the session to be closed")
    assert (await zoe("GET", f"sessions/{session}"))[1]["resolved"] is True
    for what, body in [("take", {}), ("messages", {"id": "x", "text": "y"}), ("close", {})]:
        status, refused = await zoe("POST", f"sessions/{session}/{what}", json=body)
        assert (status, refused["error"]["code"]) == (409, "session_closed")


async def test_of_many_operators_who_take_a_session_at_once_one_has_it(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    desks = [await employ(house, http, f"op{n}") for n in range(8)]
    session = await desks[0].only_session()
    answers = await asyncio.gather(*(desk("POST", f"sessions/{session}/take") for desk in desks))
    assert sorted(status for status, _ in answers) == [202] + [409] * 7
    [winner] = [n for n, (status, _) in enumerate(answers) if status == 202]
    assert (await desks[0]("GET", f"sessions/{session}"))[1]["owner"] == f"op{winner}"
    voids = [actor for actor, action, _ in await audit(owner) if action == "session.take_void"]
    assert sorted(voids) == sorted(f"op{n}" for n in range(8) if n != winner)


async def test_an_event_moves_the_flow_that_waits_for_it_once(house: House, http: ClientSession) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("order")
    zoe = await employ(house, http, "shop")
    session = await zoe.only_session()
    paid = {"name": "paid", "value": "€5", "key": "invoice-7"}
    for outcome in ("accepted", "duplicate"):
        assert await zoe("POST", f"sessions/{session}/events", json=paid) == (202, {"outcome": outcome})
    assert await settled(visitor, 2) == [("user", "order"), ("bot", "Thank you for €5.")]


async def test_what_a_sensitive_ask_took_stays_hidden_and_what_is_sealed_is_shown(
    house: House, http: ClientSession
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("pin")
    await visitor.say("4711")
    zoe = await employ(house, http, "zoe")
    session = await zoe.only_session()
    await zoe("POST", f"sessions/{session}/take")
    await visitor.send("my second secret")
    await zoe("POST", f"sessions/{session}/messages", json={"id": "m", "text": "I see."})
    await settled(visitor, 6)
    _, shown = await zoe("GET", f"sessions/{session}/messages")
    assert [each["content"] for each in shown["messages"]] == [
        "pin",
        "Your secret number?",
        "[sensitive]",
        "What next?",
        "my second secret",
        "I see.",
    ]


async def test_the_calls_in_the_guide_work_as_they_are_written(house: House, http: ClientSession) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("order")
    zoe = await employ(house, http, "zoe")
    session = await zoe.only_session()
    calls = [each for each in calls_in_the_guide() if "/approvals" not in each[1]]
    assert len(calls) == 8
    for method, address, body, with_token in calls:
        url = address.replace("http://localhost:8080", house.url).replace("$SESSION", session)
        headers = {"Authorization": f"Bearer {zoe.token}"} if with_token else {}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"  # what curl says of -d
        async with http.request(method, url, data=body, headers=headers) as answer:
            assert answer.status in (200, 202), (address, await answer.text())
    said = await settled(visitor, 3)
    assert ("agent", "I have looked it up: you are covered.") in said
    assert said[-1] == ("bot", "Thank you for {'amount': 5}.")


async def test_an_operator_sees_and_opens_a_file_that_came(house: House, http: ClientSession) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    picture = SAMPLES["image/png"]
    headers = visitor.headers | {"Content-Type": "image/png", "File-Name": "crack.png"}
    async with http.post(f"{house.url}/web/v1/attachments", data=picture, headers=headers) as answer:
        file = await answer.json()
    await visitor.send("Look.", attachments=[file["attachment_id"]])
    zoe = await employ(house, http, "zoe")
    _, shown = await zoe("GET", f"sessions/{await zoe.only_session()}/messages")
    [attached] = shown["messages"][0]["attachments"]
    assert (attached["name"], attached["type"], attached["size"]) == ("crack.png", "image/png", len(picture))
    async with http.get(house.url + attached["url"]) as answer:
        assert await answer.read() == picture


async def test_another_tenants_operators_see_and_move_nothing(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    ours = await employ(house, http, "zoe", Role.ADMIN)
    theirs = await employ(house, http, "zoe", Role.ADMIN, "beta")
    session = await ours.only_session()
    await ours("POST", f"sessions/{session}/take")
    row = await owner.fetchrow("select user_id, channel_id from sessions")
    assert row is not None
    for query in ("", "status=handoff&mine=true", f"user={row['user_id']}", f"channel={row['channel_id']}"):
        assert (await theirs("GET", f"sessions?{query}"))[1] == {"sessions": [], "cursor": None}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/take", {"force": True}),
        ("POST", "/messages", {"id": "m", "text": "x", "force": True}),
        ("POST", "/resume", {"force": True}),
        ("POST", "/close", {"force": True}),
        ("POST", "/events", {"name": "paid", "key": "k"}),
    ]
    for method, path, body in calls:
        unknown = await theirs(method, f"sessions/{uuid4()}{path}", json=body)
        assert await theirs(method, f"sessions/{session}{path}", json=body) == unknown
        assert unknown[0] == 404
    assert [each["name"] for each in (await theirs("GET", "operators"))[1]["operators"]] == ["zoe"]
    assert await theirs("DELETE", "operators/zoe") == (204, None)
    assert (await theirs("GET", "me"))[0] == 401
    assert (await ours("GET", "me"))[0] == 200
    assert (await ours("GET", f"sessions/{session}"))[1]["owner"] == "zoe"
    beta = (await tenant(house, "beta")).id
    written = await owner.fetch("select distinct actor_id from audit_log where tenant_id <> $1", beta)
    assert [each["actor_id"] for each in written] == ["zoe"]
    ours_only = await owner.fetchval(
        "select count(*) from audit_log where tenant_id <> $1 and action like 'session.%_void'", beta
    )
    assert ours_only == 0


async def test_an_admin_makes_operators_whose_tokens_work_until_they_are_ended(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any], clock: MovableClock
) -> None:
    boss = await employ(house, http, "boss", Role.ADMIN)
    status, made = await boss("POST", "operators", json={"name": "eve", "role": "viewer", "expires_days": 1})
    assert status == 201
    eve = Desk(http, house.url, made["token"])
    assert (await eve("GET", "me"))[1]["name"] == "eve"
    assert (await eve("POST", f"sessions/{uuid4()}/take"))[0] == 403
    assert (await boss("POST", "operators", json={"name": "eve", "role": "admin"}))[0] == 409
    assert await boss("DELETE", "operators/eve") == (204, None)
    assert await boss("DELETE", "operators/eve") == (204, None)
    assert (await eve("GET", "me"))[0] == 401
    assert (await boss("DELETE", "operators/nobody"))[0] == 404
    _, made = await boss("POST", "operators", json={"name": "eve", "role": "agent", "expires_days": 1})
    eve.token = made["token"]
    assert (await eve("GET", "me"))[1]["role"] == "agent"
    clock.advance(timedelta(days=1))
    assert (await eve("GET", "me"))[0] == 401
    assert [(action, detail) for _, action, detail in await audit(owner)] == [
        ("operator.create", {"role": "viewer"}),
        ("operator.create", {"role": "admin"}),
        ("operator.create_void", {"outcome": "conflict"}),
        ("operator.revoke", {}),
        ("operator.revoke", {}),
        ("operator.revoke", {}),
        ("operator.revoke_void", {"outcome": "unknown"}),
        ("operator.create", {"role": "agent"}),
    ]
    kept = await owner.fetchval("select string_agg(a::text, ' ') from audit_log a")
    assert made["token"] not in kept


async def test_what_cannot_be_put_on_record_is_not_done(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    zoe = await employ(house, http, "zoe", Role.ADMIN)
    session = await zoe.only_session()
    await owner.execute(
        "create function full_disk() returns trigger language plpgsql as "
        "$$ begin raise exception using errcode = '53100', message = 'disk full'; end $$"
    )
    await owner.execute(
        "create trigger full_disk before insert on audit_log for each row execute function full_disk()"
    )
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"sessions/{session}/take", {}),
        ("POST", f"sessions/{session}/messages", {"id": "m", "text": "x"}),
        ("POST", f"sessions/{session}/events", {"name": "paid", "key": "k"}),
        ("GET", f"sessions/{session}", None),
        ("GET", f"sessions/{session}/messages", None),
        ("POST", "operators", {"name": "eve", "role": "agent"}),
        ("DELETE", "operators/zoe", None),
    ]
    for method, path, body in calls:
        status, refused = await zoe(method, path, json=body)
        assert (status, refused["error"]["code"]) == (503, "unavailable"), path
    await owner.execute("drop trigger full_disk on audit_log")
    assert (await zoe("GET", f"sessions/{session}"))[1]["status"] == "active"
    assert len((await zoe("GET", "operators"))[1]["operators"]) == 1
    assert await owner.fetchval("select count(*) from inbox") == 0


async def test_without_redis_operators_go_on(
    house: House, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = await Visitor.enter(http, house.url, "acme")
    await visitor.say("form")
    zoe = await employ(house, http, "zoe")
    session = await zoe.only_session()

    async def gone(*_: object, **__: object) -> None:
        raise ConnectionError("Redis is away")

    monkeypatch.setattr(Redis, "execute_command", gone)
    said = {"id": "m1", "text": "Zoe here."}
    assert await zoe("POST", f"sessions/{session}/messages", json=said) == (202, {"outcome": "accepted"})
    assert (await settled(visitor, 3))[-1] == ("agent", "Zoe here.")
    assert UUID(session)
