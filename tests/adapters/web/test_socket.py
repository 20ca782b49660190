"""The visitor's socket."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer
from rehearsal import DEMO, Rehearsal, file_url
from visitors import Browser, MovableClock

from adapters.web import socket as socket_module
from adapters.web.adapter import mount
from adapters.web.cursor import Position, write_cursor
from adapters.web.ports import Delta, Typing
from adapters.web.tokens import Tokens
from storage.records import MessageStatus, Sender


async def frame_of(socket: Any, wanted: str | None = None) -> dict[str, Any]:
    """The next frame, or the next of one type."""
    async with asyncio.timeout(5):
        while True:
            frame: dict[str, Any] = json.loads(await socket.receive_str())
            if wanted in (None, frame["type"]):
                return frame


async def test_a_message_is_acknowledged_shown_and_answered(ada: Browser, rehearsal: Rehearsal) -> None:
    socket = await ada.connect()
    await socket.send_json({"type": "message", "id": "m1", "text": "hello"})
    frames = [await frame_of(socket), await frame_of(socket)]
    ack = next(frame for frame in frames if frame["type"] == "ack")
    mine = next(frame for frame in frames if frame["type"] == "message")
    assert ack["id"] == "m1"
    assert (mine["message_id"], mine["sender_type"]) == (ack["message_id"], "user")
    rehearsal.publish(ada.external_id, Typing())
    reply_id = next(iter(rehearsal.replies))
    rehearsal.publish(ada.external_id, Delta(reply_id, 1, 0, "hi"))
    rehearsal.say(ada.talk, "hi there", message_id=reply_id)
    assert (await frame_of(socket)) == {"type": "typing"}
    assert (await frame_of(socket))["text"] == "hi"
    answer = await frame_of(socket)
    assert (answer["type"], answer["content"], answer["message_id"]) == (
        "message",
        "hi there",
        str(reply_id),
    )
    await socket.close()
    await rehearsal.until_heard_by(0)


async def test_the_same_message_again_is_the_same_ack(ada: Browser) -> None:
    socket = await ada.connect()
    acks = []
    for _ in range(20):
        await socket.send_json({"type": "message", "id": "m1", "text": "hello"})
        acks.append(await frame_of(socket, "ack"))
    assert len({ack["message_id"] for ack in acks}) == 1
    assert len(ada.talk.messages) == 1


async def test_other_tabs_see_what_one_tab_sends(ada: Browser) -> None:
    one, other = await ada.connect(), await ada.connect()
    await one.send_json({"type": "message", "id": "m1", "text": "hello"})
    assert (await frame_of(other, "message"))["content"] == "hello"


async def test_nobody_sees_anothers_stream(ada: Browser, enter: Any, rehearsal: Rehearsal) -> None:
    eve = await enter()
    socket = await eve.connect()
    await rehearsal.until_heard_by(1)
    rehearsal.say(ada.talk, "for Ada")
    rehearsal.say(eve.talk, "for Eve")
    assert (await frame_of(socket))["content"] == "for Eve"


async def test_a_thousand_messages_with_a_disconnect_every_few_come_in_order_once(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    cursor = write_cursor(Position(ada.talk.id, 0))
    seen: list[int] = []
    said = 0
    while len(seen) < 1000:
        until = min(1000, said + 13)
        half = (said + until) // 2
        while said < half:
            rehearsal.say(ada.talk, str(said))
            said += 1
        socket = await ada.connect(cursor)
        while said < until:
            rehearsal.say(ada.talk, str(said))
            said += 1
        stop_at = min(len(seen) + 9, said) if said < 1000 else said
        while len(seen) < stop_at:
            frame = await frame_of(socket, "message")
            seen.append(int(frame["content"]))
            cursor = frame["cursor"]
        await socket.close()
    assert seen == list(range(1000))


async def test_a_lost_wake_up_delays_an_answer_but_does_not_lose_it(
    ada: Browser, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "REREAD_SOON_S", 0.01)
    socket = await ada.connect()
    await rehearsal.until_heard_by(1)
    await socket.send_json({"type": "message", "id": "m1", "text": "hello"})
    await frame_of(socket, "ack")
    rehearsal.ears[0][1].deaf = True
    rehearsal.say(ada.talk, "quietly")
    while (frame := await frame_of(socket, "message"))["sender_type"] == "user":
        pass
    assert frame["content"] == "quietly"


async def test_a_foreign_cursor_is_told_to_resync(ada: Browser, enter: Any, rehearsal: Rehearsal) -> None:
    eve = await enter()
    rehearsal.say(eve.talk, "hers")
    for cursor in ("nonsense", "A" * 5000, write_cursor(Position(eve.talk.id, 0))):
        socket = await ada.connect(cursor)
        assert await frame_of(socket) == {"type": "resync"}
        await socket.close()


async def test_a_change_comes_as_a_status(ada: Browser, rehearsal: Rehearsal) -> None:
    socket = await ada.connect()
    await rehearsal.until_heard_by(1)
    mine = rehearsal.say(ada.talk, "mine", sender=Sender.USER, status=MessageStatus.PENDING)
    rehearsal.alter(ada.talk, mine.id, MessageStatus.FAILED)
    assert (await frame_of(socket))["type"] == "message"
    status = await frame_of(socket)
    assert (status["type"], status["message_id"], status["status"]) == ("status", str(mine.id), "failed")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ("{}", "unknown_type"),
        ('{"type":"message","id":"m","text":"\\ud800"}', "invalid_text"),
        ('{"type":"message","id":"m","text":"\\u0000"}', "invalid_text"),
        ('{"type":"message","id":"m","text":""}', "empty_text"),
        ('{"type":"feedback","message_id":"x","value":1}', "invalid_feedback"),
    ],
)
async def test_a_bad_frame_is_an_error_and_the_socket_lives(ada: Browser, sent: str, code: str) -> None:
    socket = await ada.connect()
    await socket.send_str(sent)
    assert (await frame_of(socket))["code"] == code
    await socket.send_json({"type": "message", "id": "good", "text": "still here"})
    assert (await frame_of(socket, "ack"))["id"] == "good"
    assert len(ada.talk.messages) == 1


async def test_a_refused_message_is_named_in_the_error(ada: Browser) -> None:
    socket = await ada.connect()
    await socket.send_json({"type": "message", "id": "m1", "text": "x" * 8001})
    error = await frame_of(socket)
    assert (error["code"], error["id"]) == ("text_too_long", "m1")


async def test_stop_feedback_and_typing_reach_the_runtime(
    ada: Browser, enter: Any, rehearsal: Rehearsal
) -> None:
    message = rehearsal.say(ada.talk, "good?")
    socket = await ada.connect()
    await socket.send_json({"type": "stop"})
    await socket.send_json({"type": "typing"})
    await socket.send_json({"type": "feedback", "message_id": str(message.id), "value": 1})
    stranger = rehearsal.say((await enter()).talk, "hers")
    await socket.send_json({"type": "feedback", "message_id": str(stranger.id), "value": 1})
    assert (await frame_of(socket, "error"))["code"] == "not_found"
    assert rehearsal.stopped == [ada.external_id]
    assert rehearsal.judgements == [(message.id, 1)]


async def test_a_message_storage_cannot_take_is_named_and_may_be_sent_again(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    socket = await ada.connect()
    rehearsal.down.add("accept")
    await socket.send_json({"type": "message", "id": "m1", "text": "hello"})
    error = await frame_of(socket)
    assert (error["code"], error["id"], error["retry_after"]) == ("unavailable", "m1", 1)
    rehearsal.down.clear()
    await socket.send_json({"type": "message", "id": "m1", "text": "hello"})
    assert (await frame_of(socket, "ack"))["id"] == "m1"


async def close_code(socket: Any) -> int | None:
    async with asyncio.timeout(5):
        while (await socket.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR):
            pass
    return int(socket.close_code) if socket.close_code is not None else None


async def test_frames_too_big_binary_or_not_text_close_with_their_code(ada: Browser) -> None:
    big = await ada.connect()
    await big.send_str(" " * 70_000)
    assert await close_code(big) == 1009
    binary = await ada.connect()
    await binary.send_bytes(b"\x00")
    assert (await frame_of(binary))["code"] == "binary_frame"
    assert await close_code(binary) == 1003
    broken = await ada.connect()
    await broken.send_frame(b"\xff\xfe", WSMsgType.TEXT)
    assert await close_code(broken) == 1007


async def test_a_frame_of_sixty_four_kilobytes_is_still_read(ada: Browser) -> None:
    socket = await ada.connect()
    await socket.send_str('{"type":"stop"}'.ljust(64 * 1024))
    await socket.send_str("{")
    assert (await frame_of(socket))["code"] == "invalid_json"


async def refused(browser: Browser, **parameters: str) -> int:
    with pytest.raises(WSServerHandshakeError) as caught:
        await browser.http.ws_connect("/web/v1/ws", params=parameters)
    return caught.value.status


async def test_a_ticket_is_good_once(ada: Browser) -> None:
    ticket = (await (await ada.post("/web/v1/tickets")).json())["ticket"]
    socket = await ada.http.ws_connect("/web/v1/ws", params={"ticket": ticket})
    assert not socket.closed
    assert await refused(ada, ticket=ticket) == 401


async def test_no_socket_without_a_ticket(ada: Browser, rehearsal: Rehearsal, clock: MovableClock) -> None:
    for parameters in ({}, {"ticket": ""}, {"ticket": "x"}, {"ticket": "é"}, {"token": ada.token}):
        assert await refused(ada, **parameters) == 401
    ticket = (await (await ada.post("/web/v1/tickets")).json())["ticket"]
    clock.move(days=31)
    assert await refused(ada, ticket=ticket) == 401
    assert not rehearsal.ears


async def test_tickets_fail_closed(ada: Browser, rehearsal: Rehearsal) -> None:
    ticket = (await (await ada.post("/web/v1/tickets")).json())["ticket"]
    rehearsal.down.add("tickets")
    assert (await ada.post("/web/v1/tickets")).status == 503
    assert await refused(ada, ticket=ticket) == 503


async def test_other_origins_are_refused_before_the_upgrade(ada: Browser, rehearsal: Rehearsal) -> None:
    rehearsal.channels["demo"] = replace(DEMO, settings={"allowed_origins": ["https://shop.example"]})
    for origin in ("https://evil.test", "null", "https://shop.example.evil.test"):
        ticket = (await (await ada.post("/web/v1/tickets")).json())["ticket"]
        with pytest.raises(WSServerHandshakeError) as caught:
            await ada.http.ws_connect("/web/v1/ws", params={"ticket": ticket}, origin=origin)
        assert caught.value.status == 403
    socket = await ada.connect(origin="https://shop.example")
    assert not socket.closed


async def test_a_plain_get_is_told_to_upgrade(ada: Browser) -> None:
    ticket = (await (await ada.post("/web/v1/tickets")).json())["ticket"]
    answer = await ada.http.get("/web/v1/ws", params={"ticket": ticket})
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, "not_a_websocket")


async def test_a_token_that_expires_ends_its_socket(ada: Browser, clock: MovableClock) -> None:
    socket = await ada.connect()
    clock.move(days=31)
    await socket.send_json({"type": "message", "id": "late", "text": "hello"})
    assert (await frame_of(socket))["code"] == "token_expired"
    assert await close_code(socket) == 4401
    assert not ada.talk.messages


async def test_a_reader_that_does_not_read_is_closed_and_resumes(
    ada: Browser, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "STALL_S", 0.2)
    socket = await ada.connect(write_cursor(Position(ada.talk.id, 0)))
    await rehearsal.until_heard_by(1)
    connection = socket._response.connection
    assert connection is not None
    transport = connection.transport
    assert transport is not None
    transport.pause_reading()
    for n in range(2000):
        rehearsal.say(ada.talk, f"{n} " + "x" * 8000)
    await rehearsal.until_heard_by(0)
    transport.resume_reading()
    seen, cursor = 0, ""
    async for message in socket:
        frame = json.loads(message.data)
        assert frame["content"].split()[0] == str(seen)
        seen, cursor = seen + 1, frame["cursor"]
    assert 0 < seen < 2000
    rest = await ada.connect(cursor)
    for n in range(seen, 2000):
        assert (await frame_of(rest))["content"].split()[0] == str(n)


async def test_when_the_subscription_is_lost_the_client_is_asked_to_come_back(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    rehearsal.down.add("since")
    socket = await ada.connect(write_cursor(Position(ada.talk.id, 0)))
    assert (await frame_of(socket))["code"] == "unavailable"
    assert await close_code(socket) == 1013


async def test_going_away_closes_sockets_with_1001(
    rehearsal: Rehearsal, tokens: Tokens, clock: MovableClock
) -> None:
    app = web.Application()
    mount(app, rehearsal, rehearsal, tokens, file_url, clock, token_in_url=True)
    async with TestClient(TestServer(app)) as client:
        token, _ = tokens.issue("demo", DEMO, "visitor:x")
        socket = await client.ws_connect("/web/v1/ws", params={"token": token})
        await rehearsal.until_heard_by(1)
        closing = asyncio.create_task(app.shutdown())
        assert await close_code(socket) == 1001
        await closing
        assert (await client.get("/")).status == 404


async def test_a_socket_is_open_only_once_it_knows_what_is_new(
    ada: Browser, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else an answer to what was said at once would count as old and never be shown."""
    asked, may_answer = asyncio.Event(), asyncio.Event()
    history = rehearsal.history

    async def slow_history(*args: Any, **kwargs: Any) -> Any:
        asked.set()
        await may_answer.wait()
        return await history(*args, **kwargs)

    monkeypatch.setattr(rehearsal, "history", slow_history)
    opening = asyncio.create_task(ada.connect())
    await asked.wait()
    assert not (await asyncio.wait({opening}, timeout=0.2))[0]
    may_answer.set()
    socket = await opening
    rehearsal.say(ada.talk, "a quick answer")
    assert (await frame_of(socket, "message"))["content"] == "a quick answer"
    await socket.close()
