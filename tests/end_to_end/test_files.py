"""Files from a visitor to a flow: uploaded, named in a message, answered with, read, shown, forgotten."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from house import House, open_house
from people import Visitor
from samples import SAMPLES, gif

from bot import uploads
from bot.demo import ensure_demo

FLOWS = """
import hashlib

from flows import CallFailed, Chat, Flow, UploadedFile, read_file
from flows.validators import file

claim = Flow("claim", patterns=["^claim$"])
secret = Flow("secret", patterns=["^secret$"])
menu = Flow("name", patterns=["^name$"])


async def pass_on(photo: UploadedFile) -> str:
    return hashlib.sha256(await read_file(photo)).hexdigest()


@claim
async def take_claim(chat: Chat) -> None:
    photo = await chat.ask("photo", "A photo of the damage?", file(types=["image/*"]))
    where = await chat.ask("where", "Where was it?")
    try:
        await chat.say(f"{photo.name} in {where}: {await chat.call(pass_on, photo)}")
    except CallFailed as failure:
        await chat.say(f"No photo: {failure.kind}")


@secret
async def take_secret(chat: Chat) -> None:
    scan = await chat.ask("scan", "Your passport?", file(), sensitive=True)
    await chat.say(await chat.call(pass_on, scan))


@menu
async def take_name(chat: Chat) -> None:
    await chat.say(f"Hello {await chat.ask('name', 'Your name?')}.")
"""
PNG = SAMPLES["image/png"]
DIGEST = hashlib.sha256(PNG).hexdigest()
Open: TypeAlias = Callable[[], AbstractAsyncContextManager[House]]


@pytest.fixture
def bots(tmp_path: Path) -> Path:
    flows = tmp_path / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "claims.py").write_text(FLOWS)
    return tmp_path / "bots"


@pytest.fixture
def opened(database: DatabaseUrls, redis_url: str, clock: MovableClock, bots: Path, tmp_path: Path) -> Open:
    return lambda: open_house(database, redis_url, bots, {}, clock, object_store=tmp_path / "objects")


@pytest.fixture
async def house(opened: Open) -> AsyncIterator[House]:
    async with opened() as house:
        yield house


async def enter(http: ClientSession, house: House) -> Visitor:
    await ensure_demo(house.runtime)
    return await Visitor.enter(http, house.url, "demo")


async def upload(
    visitor: Visitor, content: bytes = PNG, kind: str = "image/png", name: str = "Scheibe.png"
) -> tuple[int, Any]:
    sent = visitor.headers | {"Content-Type": kind, "File-Name": name}
    async with visitor.http.post(f"{visitor.url}/web/v1/attachments", data=content, headers=sent) as answer:
        return answer.status, await answer.json()


async def send(visitor: Visitor, *ids: str, **more: Any) -> list[str]:
    """Send uploaded files as a message; what is said to that."""
    body = {"id": f"files-{ids[0]}", "attachments": list(ids), **more}
    status, taken = await visitor.call("POST", "messages", json=body)
    assert status == 202, taken
    return await visitor.answer(taken["reply_id"])


async def test_a_flow_gets_the_very_bytes_that_were_uploaded_though_it_is_restarted_meanwhile(
    opened: Open, http: ClientSession
) -> None:
    async with opened() as house:
        visitor = await enter(http, house)
        assert await visitor.say("claim") == ["A photo of the damage?"]
        assert await visitor.say("here") == ["Please send a picture.\nA photo of the damage?"]
        status, file = await upload(visitor)
        assert (status, file["name"], file["size"]) == (201, "Scheibe.png", len(PNG))
        assert await send(visitor, file["attachment_id"]) == ["Where was it?"]
    async with opened() as house:
        visitor.url = house.url
        assert await visitor.say("Bath") == [f"Scheibe.png in Bath: {DIGEST}"]
        shown = [each for message in await visitor.messages() for each in message.get("attachments", [])]
        assert [each["attachment_id"] for each in shown] == [file["attachment_id"]]
        async with http.get(f"{house.url}{shown[0]['url']}") as answer:
            assert (answer.status, await answer.read()) == (200, PNG)


async def test_a_socket_shows_the_file_to_the_visitors_other_tab(house: House, http: ClientSession) -> None:
    visitor = await enter(http, house)
    await visitor.say("claim")
    _, file = await upload(visitor)
    async with visitor.socket() as tab, visitor.socket() as other:
        await tab.send(type="message", id="m1", attachments=[file["attachment_id"]], text="here it is")
        assert (await tab.next("ack"))["id"] == "m1"
        frame = await other.next("message")
        assert frame["content"] == "here it is"
        assert [each["name"] for each in frame["attachments"]] == ["Scheibe.png"]
        assert (await other.next("message"))["content"] == "Where was it?"


async def test_a_file_is_named_once_and_by_its_own_visitor_only(house: House, http: ClientSession) -> None:
    ada, eve = await enter(http, house), await enter(http, house)
    _, file = await upload(ada)
    body = {"id": "m1", "attachments": [file["attachment_id"]]}
    refused = [await eve.call("POST", "messages", json=body)]
    assert (await ada.call("POST", "messages", json=body))[0] == 202
    assert (await ada.call("POST", "messages", json=body))[0] == 202  # the same message again
    refused.append(await ada.call("POST", "messages", json=body | {"id": "m2"}))
    assert {status for status, _ in refused} == {404}
    assert refused[0] == refused[1]


async def test_a_sensitive_file_is_shown_to_nobody_and_read_by_its_flow(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await enter(http, house)
    await visitor.say("secret")
    _, file = await upload(visitor, name="Ada-Lovelace-passport.png")
    assert await send(visitor, file["attachment_id"], text="born 1815") == [DIGEST]
    [message] = [each for each in await visitor.messages() if each["content"] == "[sensitive]"]
    assert "attachments" not in message
    dumped = [
        str(dict(row))
        for table in ("messages", "attachments", "conversation_state", "inbox", "sessions")
        for row in await owner.fetch(f"select * from {table}")
    ]
    assert [row for row in dumped if "Lovelace" in row or "1815" in row] == []


async def test_a_file_that_hides_something_is_refused_like_one_that_lies(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await enter(http, house)
    lying = await upload(visitor, PNG, "image/jpeg")
    hiding = await upload(visitor, gif() + b"<script>", "image/gif")
    assert lying[0] == hiding[0] == 415
    assert lying == hiding
    [kept] = await owner.fetch("select id, status from attachments")
    assert kept["status"] == "quarantined"
    status, _ = await visitor.call("POST", "messages", json={"id": "m", "attachments": [str(kept["id"])]})
    assert status == 404


async def test_too_many_files_that_no_message_names_are_refused_until_they_are_swept(
    house: House, http: ClientSession, clock: MovableClock, owner: asyncpg.Connection[Any], tmp_path: Path
) -> None:
    visitor, other = await enter(http, house), await enter(http, house)
    files = [await upload(visitor) for _ in range(uploads.MOST_WAITING)]
    assert {status for status, _ in files} == {201}
    status, refusal = await upload(visitor)
    assert (status, refusal["error"]["code"]) == (429, "too_many_files")
    assert (await upload(other))[0] == 201
    await send(visitor, files[0][1]["attachment_id"])
    assert (await upload(visitor))[0] == 201
    clock.advance(timedelta(hours=23))
    assert (await house.runtime.sweeper.sweep())["files_unclaimed"] == 0
    clock.advance(timedelta(hours=2))
    assert (await house.runtime.sweeper.sweep())["files_unclaimed"] == uploads.MOST_WAITING + 1
    assert await owner.fetchval("select count(*) from attachments") == 1
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 1


async def test_a_name_that_would_harm_is_cleaned(house: House, http: ClientSession) -> None:
    visitor = await enter(http, house)
    names = {
        "..%2F..%2Fetc%2Fpasswd": "passwd.png",
        "Pa%C3%9F%E2%80%AEgnp.exe.png": "Paßgnp.exe.png",
        "%00%FF%ED%A0%80": "\ufffd\ufffd\ufffd\ufffd.png",
        "Übersicht.png": "Übersicht.png",
        "": "file.png",
    }
    for sent, kept in names.items():
        status, file = await upload(visitor, name=sent)
        assert (status, file["name"]) == (201, kept)


async def test_who_was_erased_can_send_no_file(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any], tmp_path: Path
) -> None:
    visitor = await enter(http, house)
    await owner.execute("update users set deleted_at = now()")
    status, refusal = await upload(visitor)
    assert (status, refusal["error"]["code"]) == (401, "token_invalid")
    await owner.execute("delete from sessions")
    await owner.execute("delete from users")
    assert (await upload(visitor))[0] == 401
    assert await owner.fetchval("select count(*) from attachments") == 0


async def test_uploads_count_as_messages_and_are_refused_above_the_limit(
    house: House, http: ClientSession, owner: asyncpg.Connection[Any]
) -> None:
    visitor = await enter(http, house)
    await owner.execute("""update channels set settings = '{"messages_per_minute": 2}'""")
    house.runtime.channels.forget_all()
    answers = [await upload(visitor) for _ in range(4)]
    assert [status for status, _ in answers] == [201, 201, 429, 429]
    assert answers[2][1]["error"]["code"] == "too_many_messages"


async def test_where_files_have_no_place_they_are_refused_and_chat_goes_on(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, bots: Path, http: ClientSession
) -> None:
    async with open_house(database, redis_url, bots, {}, clock) as house:
        visitor = await enter(http, house)
        status, refusal = await upload(visitor)
        assert (status, refusal["error"]["code"]) == (503, "unavailable")
        assert await visitor.say("name") == ["Your name?"]
        assert "files_unclaimed" not in await house.runtime.sweeper.sweep()


async def test_a_file_whose_object_is_gone_fails_the_call_and_not_the_conversation(
    house: House, http: ClientSession, tmp_path: Path
) -> None:
    visitor = await enter(http, house)
    await visitor.say("claim")
    _, file = await upload(visitor)
    await send(visitor, file["attachment_id"])
    for path in (tmp_path / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    assert await visitor.say("Bath") == ["No photo: FileMissing"]


async def test_only_so_many_files_come_in_at_once(house: House, http: ClientSession) -> None:
    visitors = [await enter(http, house) for _ in range(uploads.MOST_AT_ONCE + 1)]
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield PNG[:20]
        await go_on.wait()
        yield PNG[20:]

    async def one(visitor: Visitor) -> int:
        status, _ = await upload(visitor, slowly())  # type: ignore[arg-type]
        return status

    under_way = {asyncio.create_task(one(visitor)) for visitor in visitors}
    done, waiting = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [503]
    go_on.set()
    assert {await task for task in waiting} == {201}
