"""The calls of the web protocol over HTTP."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from typing import Any
from uuid import uuid4

import jwt
import pytest
from rehearsal import DEMO, Rehearsal
from visitors import NOON, Browser, MovableClock

from adapters.web import messages as messages_module
from adapters.web.ports import ReplyState
from storage.records import EntryKind, MessageStatus, Sender

SECRET = DEMO.credentials["identity_secret"]


async def code_of(answer: Any) -> tuple[int, str]:
    document = await answer.json()
    assert set(document["error"]) == {"code", "detail"}
    return answer.status, document["error"]["code"]


async def test_a_site_shows_its_face_without_making_anybody(http: Any, rehearsal: Rehearsal) -> None:
    answer = await http.get("/web/v1/sites/demo")
    assert await answer.json() == {
        "name": "Ada at Parley Bank",
        "greeting": "Hello, I am Ada.",
        "suggestions": ["What is my balance?"],
        "colour": "#0f5c4a",
    }
    assert not rehearsal.talks


@pytest.mark.parametrize("site", ["nobody", "a%20b", "%00", "x" * 300])
async def test_an_unknown_site_is_404(http: Any, site: str) -> None:
    assert await code_of(await http.get(f"/web/v1/sites/{site}")) == (404, "unknown_site")


@pytest.mark.parametrize("site", ["nobody", "", None, 5, ["demo"], {"a": 1}, "demo\0"])
async def test_no_session_without_a_known_site(http: Any, site: object) -> None:
    assert await code_of(await http.post("/web/v1/sessions", json={"site": site})) == (404, "unknown_site")


async def test_each_visitor_is_somebody_new(http: Any, rehearsal: Rehearsal) -> None:
    answers = [await (await http.post("/web/v1/sessions", json={"site": "demo"})).json() for _ in range(2)]
    assert {talk.external_id[:8] for talk in rehearsal.talks} == {"visitor:"}
    assert [answer["session_id"] for answer in answers] == [str(talk.id) for talk in rehearsal.talks]
    assert answers[0]["token"] != answers[1]["token"]
    assert answers[0]["expires_at"] == "2026-03-31T12:00:00+00:00"


def vouched(**changes: Any) -> str:
    claims = {"sub": "42", "aud": "demo", "exp": int(NOON.timestamp()) + 600} | changes
    return jwt.encode(claims, SECRET, algorithm="HS256")


async def test_the_host_sites_user_is_the_same_on_every_device(http: Any, rehearsal: Rehearsal) -> None:
    for _ in range(2):
        answer = await http.post("/web/v1/sessions", json={"site": "demo", "user": vouched()})
        assert answer.status == 200
    assert [talk.external_id for talk in rehearsal.talks] == ["user:42"]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("x.y.z", (401, "user_token_invalid")),
        (vouched(aud="other"), (401, "user_token_invalid")),
        (vouched(exp=int(NOON.timestamp()) - 1), (401, "user_token_expired")),
        (5, (400, "invalid_user")),
        ({}, (400, "invalid_user")),
        ("", (401, "user_token_invalid")),
    ],
)
async def test_a_user_nobody_vouches_for_is_refused(
    http: Any, rehearsal: Rehearsal, user: object, expected: tuple[int, str]
) -> None:
    assert await code_of(await http.post("/web/v1/sessions", json={"site": "demo", "user": user})) == expected
    assert not rehearsal.talks


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/web/v1/tickets"),
        ("POST", "/web/v1/messages"),
        ("GET", "/web/v1/messages"),
        ("GET", "/web/v1/messages/01900000-0000-7000-8000-00000000000f"),
    ],
)
async def test_every_call_wants_a_good_token(http: Any, ada: Browser, method: str, path: str) -> None:
    for header, code in [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Basic eDp5", "token_missing"),
        ("Bearer", "token_missing"),
        ("Bearer  ", "token_missing"),
        ("Bearer x.y.z", "token_invalid"),
        (f"Bearer {ada.token}x", "token_invalid"),
    ]:
        headers = {"Authorization": header} if header is not None else {}
        answer = await http.request(method, path, headers=headers)
        assert await code_of(answer) == (401, code), header
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_an_expired_token_says_so(ada: Browser, clock: MovableClock) -> None:
    assert (await ada.get("/web/v1/messages")).status == 200
    clock.move(days=30)
    assert await code_of(await ada.get("/web/v1/messages")) == (401, "token_expired")


async def test_a_token_ends_with_its_site_and_does_not_pass_to_another_channel(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    rehearsal.channels["demo"] = replace(DEMO, id=uuid4())
    assert await code_of(await ada.get("/web/v1/messages")) == (401, "token_invalid")
    rehearsal.channels["demo"] = replace(DEMO, tenant_id=uuid4())
    assert await code_of(await ada.get("/web/v1/messages")) == (401, "token_invalid")
    del rehearsal.channels["demo"]
    assert await code_of(await ada.get("/web/v1/messages")) == (401, "token_invalid")


async def test_the_scheme_of_the_token_is_read_in_any_case(http: Any, ada: Browser) -> None:
    answer = await http.get("/web/v1/messages", headers={"Authorization": f"bearer {ada.token}"})
    assert answer.status == 200


async def test_a_message_is_taken_and_its_reply_polled(ada: Browser, rehearsal: Rehearsal) -> None:
    answer = await ada.post("/web/v1/messages", json={"id": "m1", "text": "hello"})
    assert answer.status == 202
    taken = await answer.json()
    assert taken["status"] == "pending"
    path = f"/web/v1/messages/{taken['reply_id']}"
    assert await (await ada.get(path)).json() == {"status": "pending", "more": []}
    reply_id = next(iter(rehearsal.replies))
    said = rehearsal.say(ada.talk, "hi there", message_id=reply_id)
    more = rehearsal.say(ada.talk, "and more")
    rehearsal.replies[reply_id] = ReplyState(MessageStatus.COMPLETED, said, (more.id,))
    reply = await (await ada.get(path)).json()
    assert (reply["status"], reply["message"]["content"]) == ("completed", "hi there")
    assert reply["message"]["message_id"] == taken["reply_id"]
    further = await (await ada.get(f"/web/v1/messages/{reply['more'][0]}")).json()
    assert further["message"]["content"] == "and more"


async def test_a_message_sent_twenty_times_is_one(ada: Browser, rehearsal: Rehearsal) -> None:
    sent = [ada.post("/web/v1/messages", json={"id": "same", "text": "hello"}) for _ in range(20)]
    answers = [await answer.text() for answer in await asyncio.gather(*sent)]
    assert len(set(answers)) == 1
    assert len(ada.talk.messages) == 1


async def test_a_button_is_an_action(ada: Browser, rehearsal: Rehearsal) -> None:
    kinds = []

    async def note(_: Any, __: Any, inbound: Any, ___: Any) -> None:
        kinds.append((inbound.kind, inbound.content, inbound.payload))

    rehearsal.script = note
    await ada.post("/web/v1/messages", json={"id": "b", "text": "Current", "payload": "ask:1"})
    await asyncio.gather(*rehearsal.at_work)
    assert kinds == [(EntryKind.ACTION, "Current", "ask:1")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", (400, "invalid_json")),
        (b"", (400, "invalid_json")),
        (b'{"id":"m"}', (400, "invalid_message")),
        (b'{"id":"m","text":"\\ud800"}', (400, "invalid_text")),
        (b'{"id":"m","text":"a\\u0000"}', (400, "invalid_text")),
        (b'{"id":"m","text":""}', (400, "empty_text")),
        (b'{"id":"m","text":"' + b"x" * 8001 + b'"}', (400, "text_too_long")),
        (b'{"id":"m","text":"x","attachments":[]}', (400, "invalid_attachments")),
        (b" " * 65537, (413, "too_large")),
    ],
)
async def test_a_bad_message_is_refused_and_nothing_stored(
    ada: Browser, body: bytes, expected: tuple[int, str]
) -> None:
    assert await code_of(await ada.post("/web/v1/messages", data=body)) == expected
    assert not ada.talk.messages


async def test_a_body_without_a_length_is_measured_as_it_arrives(ada: Browser) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 100_000

    assert await code_of(await ada.post("/web/v1/messages", data=endless())) == (413, "too_large")


async def test_a_packed_body_counts_as_large_as_it_is(ada: Browser) -> None:
    packing = {"Content-Encoding": "gzip"}
    message = gzip.compress(b'{"id":"m","text":"packed"}')
    assert (await ada.post("/web/v1/messages", data=message, headers=packing)).status == 202
    bomb = gzip.compress(b" " * 5_000_000)
    assert await code_of(await ada.post("/web/v1/messages", data=bomb, headers=packing)) == (413, "too_large")


async def test_a_body_that_is_not_packed_as_it_says_is_refused(ada: Browser) -> None:
    answer = await ada.post("/web/v1/messages", data=b"no gzip", headers={"Content-Encoding": "gzip"})
    assert await code_of(answer) == (400, "invalid_body")


async def test_when_storage_is_down_the_message_is_asked_for_again(
    ada: Browser, rehearsal: Rehearsal
) -> None:
    rehearsal.down.add("accept")
    answer = await ada.post("/web/v1/messages", json={"id": "m1", "text": "hello"})
    assert await code_of(answer) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "1"
    rehearsal.down.clear()
    assert (await ada.post("/web/v1/messages", json={"id": "m1", "text": "hello"})).status == 202
    assert len(ada.talk.messages) == 1


async def test_anothers_ids_are_as_unknown_as_unknown_ones(
    ada: Browser, enter: Any, rehearsal: Rehearsal
) -> None:
    eve = await enter()
    taken = await (await ada.post("/web/v1/messages", json={"id": "m", "text": "secret"})).json()
    answers = [
        await eve.get(f"/web/v1/messages/{taken['reply_id']}"),
        await eve.get(f"/web/v1/messages/{taken['message_id']}"),
        await eve.get(f"/web/v1/messages/{uuid4()}"),
        await eve.get("/web/v1/messages/not-an-id"),
        await eve.get(f"/web/v1/messages/{taken['reply_id']}", params={"wait": "1"}),
        await eve.get("/web/v1/messages", params={"before": taken["message_id"]}),
        await eve.get("/web/v1/messages", params={"before": str(uuid4())}),
        await eve.get("/web/v1/messages", params={"before": "x"}),
    ]
    texts = {await answer.text() for answer in answers}
    assert {answer.status for answer in answers} == {404}
    assert len(texts) == 1
    assert (await (await eve.get("/web/v1/messages")).json())["messages"] == []


async def test_a_waiting_poll_is_answered_by_the_reply(ada: Browser, rehearsal: Rehearsal) -> None:
    taken = await (await ada.post("/web/v1/messages", json={"id": "m", "text": "hi"})).json()
    reply_id = next(iter(rehearsal.replies))
    path = f"/web/v1/messages/{taken['reply_id']}"
    waiting = asyncio.create_task(ada.get(path, params={"wait": "20"}))
    await rehearsal.until_heard_by(1)
    said = rehearsal.say(ada.talk, "there", message_id=reply_id)
    rehearsal.replies[reply_id] = ReplyState(MessageStatus.COMPLETED, said)
    reply = await (await asyncio.wait_for(waiting, 2)).json()
    assert reply["message"]["content"] == "there"
    assert not rehearsal.ears


@pytest.mark.parametrize("lost", ["the subscription", "the event"])
async def test_a_waiting_poll_needs_no_live_events(
    ada: Browser, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(messages_module, "DEAF_RECHECK_S", 0.01)
    monkeypatch.setattr(messages_module, "RECHECK_S", 0.01)
    if lost == "the subscription":
        rehearsal.down.add("listen")
    taken = await (await ada.post("/web/v1/messages", json={"id": "m", "text": "hi"})).json()
    reply_id = next(iter(rehearsal.replies))
    waiting = asyncio.create_task(ada.get(f"/web/v1/messages/{taken['reply_id']}", params={"wait": "20"}))
    done, _ = await asyncio.wait({waiting}, timeout=0.1)
    assert not done
    for _, ears in rehearsal.ears:
        ears.deaf = True
    said = rehearsal.say(ada.talk, "there", message_id=reply_id)
    rehearsal.replies[reply_id] = ReplyState(MessageStatus.COMPLETED, said)
    reply = await (await asyncio.wait_for(waiting, 5)).json()
    assert reply["message"]["content"] == "there"


async def test_a_waiting_poll_ends_in_time_and_wants_a_sane_wait(ada: Browser) -> None:
    taken = await (await ada.post("/web/v1/messages", json={"id": "m", "text": "hi"})).json()
    path = f"/web/v1/messages/{taken['reply_id']}"
    assert (await (await ada.get(path, params={"wait": "1"})).json())["status"] == "pending"
    for wait in ("21", "-1", "x", "1.5", "", "9" * 500, "٣"):
        assert await code_of(await ada.get(path, params={"wait": wait})) == (400, "invalid_wait")


async def test_history_is_paged_newest_last_over_all_sessions(ada: Browser, rehearsal: Rehearsal) -> None:
    for n in range(3):
        talk = ada.talk
        for m in range(2):
            rehearsal.say(talk, f"{n}{m}", sender=Sender.USER if m == 0 else Sender.BOT)
        talk.closed = n < 2
    newest = await (await ada.get("/web/v1/messages", params={"limit": 3})).json()
    assert [message["content"] for message in newest["messages"]] == ["11", "20", "21"]
    assert newest["cursor"]
    before = newest["messages"][0]["message_id"]
    older = await (await ada.get("/web/v1/messages", params={"before": before})).json()
    assert [message["content"] for message in older["messages"]] == ["00", "01", "10"]
    assert older["cursor"] is None


@pytest.mark.parametrize("limit", ["0", "201", "x", "-5", "1e2", "", "9" * 400])
async def test_a_limit_is_a_small_number(ada: Browser, limit: str) -> None:
    assert await code_of(await ada.get("/web/v1/messages", params={"limit": limit})) == (400, "invalid_limit")


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://shop.example.evil.test"])
async def test_pages_of_other_origins_are_refused_everywhere(
    http: Any, ada: Browser, rehearsal: Rehearsal, origin: str
) -> None:
    headers = {"Origin": origin}
    answers = [
        await http.post("/web/v1/sessions", json={"site": "demo"}, headers=headers),
        await http.get("/web/v1/sites/demo", headers=headers),
        await ada.post("/web/v1/messages", json={"id": "m", "text": "hi"}, headers=headers),
        await ada.post("/web/v1/tickets", headers=headers),
        await ada.get("/web/v1/messages", headers=headers),
    ]
    for answer in answers:
        assert await code_of(answer) == (403, "origin_refused")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert not ada.talk.messages


async def test_a_listed_origin_may_read_what_it_asks_for(http: Any, rehearsal: Rehearsal) -> None:
    rehearsal.channels["demo"] = replace(DEMO, settings={"allowed_origins": ["https://shop.example"]})
    headers = {"Origin": "https://shop.example"}
    answer = await http.post("/web/v1/sessions", json={"site": "demo"}, headers=headers)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    refused = await http.get("/web/v1/messages", headers=headers)
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    own = {"Origin": f"http://{http.host}:{http.port}"}
    assert (await http.post("/web/v1/sessions", json={"site": "demo"}, headers=own)).status == 403


async def test_our_own_pages_may_talk_when_nothing_is_listed(http: Any) -> None:
    own = {"Origin": f"http://{http.host}:{http.port}"}
    assert (await http.post("/web/v1/sessions", json={"site": "demo"}, headers=own)).status == 200
    forged = {"Origin": "https://evil.test", "X-Forwarded-Host": "evil.test", "Forwarded": "host=evil.test"}
    assert (await http.post("/web/v1/sessions", json={"site": "demo"}, headers=forged)).status == 403


async def test_a_preflight_is_answered(http: Any) -> None:
    answer = await http.options("/web/v1/messages", headers={"Origin": "https://shop.example"})
    assert answer.status == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_the_widgets_files_are_there_for_every_page(http: Any) -> None:
    answer = await http.get("/widget.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = await http.get("/widget.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    assert (await http.get("/widget/element.js")).status == 200
    assert (await http.get("/widget/../adapter.py")).status == 404


async def test_the_demo_page_allows_no_inline_script_and_no_third_party(http: Any) -> None:
    answer = await http.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = await answer.text()
    assert "style=" not in page
    assert "<style" not in page
    assert "onclick" not in page
