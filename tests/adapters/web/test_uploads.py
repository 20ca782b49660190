"""Files from a visitor: taken in whole or not at all, and named in a message afterwards."""

from __future__ import annotations

import asyncio
import gzip
import io
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from rehearsal import DEMO, Rehearsal, file_url
from samples import SAMPLES
from visitors import Browser

from adapters.web.exchange import Door, refusing
from adapters.web.tokens import Tokens
from adapters.web.uploads import LARGEST_FILE_BYTES, take_file

PDF = SAMPLES["application/pdf"]
PATH = "/web/v1/attachments"


def headers(kind: str = "application/pdf", name: str = "Paß 1.pdf") -> dict[str, str]:
    return {"Content-Type": kind, "File-Name": quote(name)}


async def upload(ada: Browser, content: Any = PDF, **more: Any) -> Any:
    return await ada.post(PATH, data=content, headers=headers(**more))


async def code_of(answer: Any) -> tuple[int, str]:
    return answer.status, (await answer.json())["error"]["code"]


async def test_a_file_is_taken_and_named_as_it_came(ada: Browser, rehearsal: Rehearsal) -> None:
    answer = await upload(ada)
    assert answer.status == 201
    [(owner, file)] = rehearsal.files.values()
    assert owner == ada.external_id
    assert await answer.json() == {
        "attachment_id": str(file.id),
        "name": "Paß 1.pdf",
        "type": "application/pdf",
        "size": len(PDF),
    }


async def test_a_file_without_a_name_is_taken(ada: Browser) -> None:
    answer = await ada.post(PATH, data=PDF, headers={"Content-Type": "application/pdf"})
    assert answer.status == 201


async def test_a_message_shows_its_files_everywhere(ada: Browser, rehearsal: Rehearsal) -> None:
    file_id = (await (await upload(ada)).json())["attachment_id"]
    socket = await ada.connect()
    await socket.send_json({"type": "message", "id": "m1", "attachments": [file_id]})
    frames = [await socket.receive_json(), await socket.receive_json()]
    [message] = [frame for frame in frames if frame["type"] == "message"]
    assert message["content"] == ""
    [shown] = message["attachments"]
    assert (shown["attachment_id"], shown["size"]) == (file_id, len(PDF))
    assert shown["url"] == f"/files/of-{DEMO.tenant_id}-{file_id}"
    [kept] = (await (await ada.get("/web/v1/messages")).json())["messages"]
    assert kept["attachments"] == message["attachments"]
    await socket.close()


async def test_a_message_by_http_names_files(ada: Browser, rehearsal: Rehearsal) -> None:
    ids = [(await (await upload(ada)).json())["attachment_id"] for _ in range(2)]
    body = {"id": "m1", "attachments": ids[::-1], "text": "Here they are"}
    assert (await ada.post("/web/v1/messages", json=body)).status == 202
    [message] = ada.talk.messages.values()
    assert message.content == "Here they are"
    assert [str(file.id) for file in message.attachments] == ids[::-1]


async def test_another_visitors_file_is_as_unknown_as_none(ada: Browser, enter: Any) -> None:
    eve = await enter()
    file_id = (await (await upload(eve)).json())["attachment_id"]
    answers = []
    for named in (file_id, str(uuid4()), "no id"):
        answer = await ada.post("/web/v1/messages", json={"id": "m1", "attachments": [named]})
        assert answer.status == 404
        answers.append(await answer.json())
    assert answers[0]["error"]["code"] == "unknown_attachment"
    assert answers[0] == answers[1] == answers[2]
    socket = await ada.connect()
    await socket.send_json({"type": "message", "id": "m2", "attachments": [file_id]})
    frame = await socket.receive_json()
    assert (frame["type"], frame["code"], frame["id"]) == ("error", "unknown_attachment", "m2")
    assert not ada.talk.messages
    await socket.close()


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"", "application/pdf", (400, "empty_file")),
        (b"<html>", "text/html", (415, "unsupported_file")),
        (b"MZ\x90", "application/pdf", (415, "unsupported_file")),
        (PDF, "application/octet-stream", (415, "unsupported_file")),
        (PDF, "multipart/form-data; boundary=x", (415, "unsupported_file")),
        (SAMPLES["image/png"], "image/jpeg", (415, "unsupported_file")),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_and_nothing_kept(
    ada: Browser, rehearsal: Rehearsal, content: bytes, kind: str, expected: tuple[int, str]
) -> None:
    assert await code_of(await upload(ada, content, kind=kind)) == expected
    assert not rehearsal.files


async def test_who_has_no_token_or_an_old_one_sends_no_file(http: Any, clock: Any, ada: Browser) -> None:
    assert await code_of(await http.post(PATH, data=PDF)) == (401, "token_missing")
    forged = {"Authorization": "Bearer x.y.z"}
    assert await code_of(await http.post(PATH, data=PDF, headers=forged)) == (401, "token_invalid")
    clock.move(days=31)
    assert await code_of(await upload(ada)) == (401, "token_expired")


async def test_a_page_of_another_origin_may_not_send_and_one_of_ours_may_name_its_file(ada: Browser) -> None:
    answer = await ada.post(PATH, data=PDF, headers=headers() | {"Origin": "https://evil.example"})
    assert await code_of(answer) == (403, "origin_refused")
    asked = await ada.http.options(PATH, headers={"Origin": "https://shop.example"})
    assert "File-Name" in asked.headers["Access-Control-Allow-Headers"]


async def test_while_files_cannot_be_kept_the_client_is_asked_to_come_back(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    rehearsal.down.add("keep")
    answer = await upload(ada)
    assert answer.headers["Retry-After"]
    assert await code_of(answer) == (503, "unavailable")


async def test_a_file_that_says_it_is_too_large_is_refused_unread(ada: Browser, rehearsal: Rehearsal) -> None:
    rehearsal.down.add("keep")  # which would be seen as 503
    assert await code_of(await upload(ada, io.BytesIO(bytes(LARGEST_FILE_BYTES + 1)))) == (413, "too_large")


async def test_a_file_without_a_length_is_measured_as_it_comes_in_bounded_memory(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield PDF
        while True:
            sent += 100_000
            yield bytes(100_000)

    tracemalloc.start()
    try:
        # The connection may end under the sender's hands: what counts is what was taken.
        try:
            answer = await upload(ada, endless())
        except OSError:
            pass
        else:
            assert await code_of(answer) == (413, "too_large")
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert sent < LARGEST_FILE_BYTES * 2
    assert not rehearsal.files


async def test_a_compressed_body_is_refused(ada: Browser, rehearsal: Rehearsal) -> None:
    bomb = gzip.compress(bytes(5_000_000))
    answer = await ada.post(PATH, data=bomb, headers=headers() | {"Content-Encoding": "gzip"})
    assert await code_of(answer) == (400, "invalid_body")
    assert not rehearsal.files


async def test_an_upload_that_breaks_off_leaves_nothing_and_the_next_one_works(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    begun = asyncio.Event()
    keep = rehearsal.keep

    async def watched_keep(*args: Any, **more: Any) -> Any:
        begun.set()
        return await keep(*args, **more)

    rehearsal.keep = watched_keep  # type: ignore[method-assign]
    _, writer = await asyncio.open_connection("127.0.0.1", ada.http.port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ada.token}\r\n"
        "Content-Type: application/pdf\r\nContent-Length: 1000000\r\n\r\n".encode()
        + PDF
    )
    await begun.wait()
    writer.close()
    await writer.wait_closed()
    assert (await upload(ada)).status == 201
    assert [file.size for _, file in rehearsal.files.values()] == [len(PDF)]


@pytest.mark.parametrize("limits", [{"stalled_s": 0.05}, {"longest_s": 0.05}])
async def test_a_sender_that_stalls_or_never_ends_is_told_so(
    rehearsal: Rehearsal, tokens: Tokens, limits: dict[str, float]
) -> None:
    released = asyncio.Event()
    app = web.Application()
    door = Door(rehearsal, rehearsal, tokens, file_url)
    app.add_routes([web.post(PATH, refusing(take_file(door, **limits)))])
    token, _ = tokens.issue("demo", DEMO, "visitor:x")

    async def slowly() -> AsyncIterator[bytes]:
        yield PDF
        await released.wait()

    async with TestClient(TestServer(app)) as client:
        sent = headers() | {"Authorization": f"Bearer {token}"}
        answer = await client.post(PATH, data=slowly(), headers=sent)
        assert await code_of(answer) == (408, "too_slow")
        released.set()
    assert not rehearsal.files
