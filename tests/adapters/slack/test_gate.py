"""Everything that may come to /slack/events: what is Slack's gets through, and nothing else does, or costs much."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from adapters.slack.gate import REFUSALS, Gate
from adapters.slack.ports import Answer
from storage.errors import KeyMissing, Unavailable
from storage.records import Channel
from storage.slack_accounts import SlackAccount

SECRET, OWN, OTHER = "process-secret", "own-secret", "other-secret"
NOW = 1_790_000_000
EVENT: dict[str, Any] = {
    "type": "event_callback",
    "api_app_id": "A1",
    "team_id": "T1",
    "event_id": "Ev1",
    "event": {"type": "message", "text": "hello"},
}


def channel(number: int, account: str) -> Channel:
    return Channel(UUID(int=number), UUID(int=number), "slack", account, f"tenant-{number}")


@dataclass
class Accounts:
    """T1 and T2 have the process's app A1, T3 its own app A3; T4 was uninstalled."""

    process_secrets: tuple[str, ...] = (SECRET,)
    error: Exception | None = None
    known: dict[str, SlackAccount] = field(
        default_factory=lambda: {
            "A1/T1": SlackAccount(channel(1, "A1/T1"), (SECRET,), True),
            "A1/T2": SlackAccount(channel(2, "A1/T2"), (SECRET,), True),
            "A3/T3": SlackAccount(channel(3, "A3/T3"), (OWN,), True),
            "A1/T4": SlackAccount(channel(4, "A1/T4"), (SECRET,), False),
        }
    )

    async def find(self, accounts) -> SlackAccount | None:
        if self.error is not None:
            raise self.error
        return next((self.known[each] for each in accounts if each in self.known), None)

    async def own_secrets(self) -> tuple[str, ...]:
        return (OWN,)


@dataclass
class Door:
    url: str
    http: ClientSession
    port: int
    accounts: Accounts
    now: list[float]
    delivered: list[tuple[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    answer: Answer = field(default_factory=Answer)

    async def post(self, body: bytes, headers: Any) -> tuple[int, str]:
        async with self.http.post(self.url, data=body, headers=headers) as response:
            return response.status, await response.text()

    async def send(self, payload: Any, **more: Any) -> int:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return (await self.post(body, headers_of(body, **more)))[0]


def headers_of(
    body: bytes, *, secret: str = SECRET, at: int = NOW, kind: str = "application/json"
) -> dict[str, str]:
    made = hmac.new(secret.encode(), b"v0:%d:" % at + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={made}",
    }


@pytest.fixture
async def door():
    accounts, now = Accounts(), [float(NOW)]
    opened: Door

    async def deliver(to: Channel, payload: Any) -> Answer:
        opened.delivered.append((to.account, payload))
        return opened.answer

    gate = Gate(
        accounts,
        deliver,
        lambda: datetime.fromtimestamp(now[0], UTC),
        lambda reason: opened.refused.append(reason),
        body_timeout_s=0.3,
    )
    app = web.Application(client_max_size=64 * 1024 * 1024)
    gate.mount(app)
    async with TestServer(app) as server, ClientSession() as http:
        opened = Door(str(server.make_url("/slack/events")), http, server.port, accounts, now)
        yield opened
    assert set(opened.refused) <= set(REFUSALS)


class TestWhatIsSlacks:
    async def test_a_signed_event_reaches_the_channel_of_its_account(self, door):
        assert await door.send(EVENT) == 200
        assert door.delivered == [("A1/T1", EVENT)]
        assert door.refused == []

    async def test_an_interaction_and_a_command_come_as_forms(self, door):
        press = {"type": "block_actions", "api_app_id": "A1", "team": {"id": "T2"}}
        command = {"command": "/parley", "api_app_id": "A1", "team_id": "T1", "text": "hello & bye"}
        form = "application/x-www-form-urlencoded"
        assert await door.send(urlencode({"payload": json.dumps(press)}).encode(), kind=form) == 200
        assert await door.send(urlencode(command).encode(), kind=form) == 200
        assert door.delivered == [("A1/T2", press), ("A1/T1", command)]

    async def test_the_tenants_own_app_is_checked_with_its_own_secret_only(self, door):
        theirs = EVENT | {"api_app_id": "A3", "team_id": "T3"}
        assert await door.send(theirs, secret=OWN) == 200
        assert await door.send(theirs, secret=SECRET) == 401
        assert await door.send(EVENT, secret=OWN) == 401

    @pytest.mark.parametrize("moved", [-299, 299, 300, -300])
    async def test_a_request_within_five_minutes_is_taken(self, door, moved):
        assert await door.send(EVENT, at=NOW + moved) == 200

    async def test_the_same_request_is_let_through_again_since_storing_knows_it(self, door):
        assert [await door.send(EVENT) for _ in range(2)] == [200, 200]

    async def test_what_is_answered_is_passed_on(self, door):
        door.answer = Answer(200, {"text": "not now"})
        body = json.dumps(EVENT).encode()
        assert await door.post(body, headers_of(body)) == (200, '{"text": "not now"}')

    async def test_unknown_fields_and_kinds_are_let_through(self, door):
        assert await door.send(EVENT | {"new": [1, {"a": None}], "event": {"type": "brand_new"}}) == 200


class TestWhatIsNot:
    """The same empty 401 for all of these."""

    async def refused(self, door, body, headers):
        assert await door.post(body, headers) == (401, "")
        assert door.delivered == []
        assert len(door.refused) == 1

    @pytest.mark.parametrize("missing", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
    @pytest.mark.parametrize("value", [None, "", " "])
    async def test_a_missing_or_blank_header(self, door, missing, value):
        body = json.dumps(EVENT).encode()
        headers = headers_of(body)
        del headers[missing]
        await self.refused(door, body, headers if value is None else headers | {missing: value})

    @pytest.mark.parametrize("doubled", ["X-Slack-Signature", "X-Slack-Request-Timestamp"])
    async def test_a_doubled_header(self, door, doubled):
        body = json.dumps(EVENT).encode()
        headers = headers_of(body)
        status, _ = await raw_post(door.port, body, headers | {doubled.lower(): headers[doubled]})
        assert (status, door.delivered, door.refused) == (401, [], ["headers"])

    @pytest.mark.parametrize(
        "signature", ["v0=ü" + "0" * 63, "v0=" + "0" * 63, "v1=" + "0" * 64, "v0=" + "A" * 64, "0" * 64]
    )
    async def test_a_signature_that_looks_like_none(self, door, signature):
        body = json.dumps(EVENT).encode()
        status, raw = await raw_post(
            door.port, body, headers_of(body) | {"X-Slack-Signature": signature}, encoding="utf-8"
        )
        assert (status, door.delivered, b"\r\n\r\n" in raw) == (401, [], True)

    @pytest.mark.parametrize(
        "stamp",
        [
            "abc",
            "1e9",
            "-1",
            "+1790000000",
            "1790000000.0",
            "01790000000",
            "٣",
            "9" * 40,
            "0x6ab1",
            "1_790_000_000",
        ],
    )
    async def test_an_odd_timestamp_though_it_was_signed(self, door, stamp):
        body = json.dumps(EVENT).encode()
        made = hmac.new(SECRET.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = headers_of(body) | {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={made}"}
        status, _ = await raw_post(door.port, body, headers, encoding="utf-8")
        assert (status, door.delivered) == (401, [])

    @pytest.mark.parametrize("moved", [-301, 301, -86_400])
    async def test_a_request_from_another_time(self, door, moved):
        body = json.dumps(EVENT).encode()
        await self.refused(door, body, headers_of(body, at=NOW + moved))

    async def test_each_byte_counts(self, door):
        body = json.dumps(EVENT).encode()
        headers = headers_of(body)
        for at in range(len(body)):
            changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            assert (await door.post(changed, headers))[0] == 401, changed
        assert door.delivered == []

    async def test_the_same_json_written_in_another_way(self, door):
        body = json.dumps(EVENT).encode()
        await self.refused(door, json.dumps(EVENT, separators=(",", ":")).encode(), headers_of(body))

    async def test_a_signature_for_the_same_text_in_another_form(self, door):
        body = urlencode({"payload": json.dumps(EVENT)}).encode()
        await self.refused(door, body, headers_of(json.dumps(EVENT).encode()))

    async def test_what_another_app_signed(self, door):
        body = json.dumps(EVENT).encode()
        await self.refused(door, body, headers_of(body, secret=OTHER))

    async def test_the_empty_secret(self, door):
        door.accounts.known["A1/T1"] = SlackAccount(channel(1, "A1/T1"), ("",), True)
        body = json.dumps(EVENT).encode()
        await self.refused(door, body, headers_of(body, secret=""))

    async def test_an_account_that_nobody_has(self, door):
        body = json.dumps(EVENT | {"team_id": "T9"}).encode()
        await self.refused(door, body, headers_of(body))

    async def test_forged_forwarding_headers_change_nothing(self, door):
        body = json.dumps(EVENT).encode()
        forged = {
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Host": "slack.com",
            "Forwarded": "for=slack.com",
        }
        assert (await door.post(body, headers_of(body) | forged))[0] == 200
        assert (await door.post(body, headers_of(body, secret=OTHER) | forged))[0] == 401

    async def test_what_is_signed_for_one_workspace_is_not_anothers(self, door):
        theirs = json.dumps(EVENT | {"api_app_id": "A3", "team_id": "T3"}).encode()
        assert (await door.post(theirs, headers_of(theirs, secret=SECRET)))[0] == 401
        ours = json.dumps(EVENT).encode()
        assert (await door.post(theirs, headers_of(ours)))[0] == 401
        assert door.delivered == []


class TestShapes:
    """Signed for the process's app, and no event: refused, never an error of ours."""

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"null", b"1", b'"text"', b"{", b"\xff\xfe", b"{}x", b'{"a":1}{"a":2}', b"NaN", b"\x00"],
    )
    async def test_no_json_object(self, door, body):
        assert await door.send(body) == 400
        assert (door.delivered, door.refused) == ([], ["shape"])

    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "", "application/xml", "*/*"])
    async def test_another_kind_of_body(self, door, kind):
        assert await door.send(json.dumps(EVENT).encode(), kind=kind) == 400

    async def test_deep_json(self, door):
        assert await door.send(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}") == 400

    async def test_fields_that_come_twice_in_a_form(self, door):
        body = b"command=/a&api_app_id=A1&team_id=T1&team_id=T2"
        assert await door.send(body, kind="application/x-www-form-urlencoded") == 400

    async def test_keys_that_come_twice_in_json_mean_the_last_to_everybody(self, door):
        body = json.dumps(EVENT).encode()[:-1] + b',"team_id":"T2"}'
        assert await door.send(body) == 200
        assert door.delivered[0][0] == "A1/T2"

    @pytest.mark.parametrize(
        "odd",
        [
            {"team_id": ["T1"]},
            {"team_id": {"$ne": None}},
            {"api_app_id": None},
            {"api_app_id": ["A1"]},
            {"team_id": "T1/../T2"},
            {"authorizations": "T1", "team_id": 1},
        ],
    )
    async def test_an_account_that_is_none(self, door, odd):
        assert await door.send(EVENT | odd) == 401

    @pytest.mark.parametrize(
        "odd",
        [
            {"event": None},
            {"event": []},
            {"event": "message"},
            {"event": {"type": ["message"]}},
            {"authorizations": []},
            {"authorizations": [None]},
            {"type": None},
            {"type": ["event_callback"]},
        ],
    )
    async def test_an_event_of_an_odd_shape_is_let_through_to_be_ignored(self, door, odd):
        assert await door.send(EVENT | odd) == 200


class TestMuch:
    async def test_five_megabytes_are_refused_unread(self, door):
        body = b"{" + b" " * 5_000_000 + b"}"
        status, _ = await raw_post(door.port, body, headers_of(body), send=1_000)
        assert (status, door.refused) == (413, ["too_large"])

    async def test_five_megabytes_in_pieces_are_read_no_further_than_one(self, door):
        async def pieces():
            for _ in range(80):
                yield b" " * 65_536

        tracemalloc.start()
        try:
            async with door.http.post(door.url, data=pieces(), headers=headers_of(b"")) as answer:
                assert answer.status == 413
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 16_000_000

    async def test_a_hundred_thousand_keys_within_the_limit_are_one_event_that_is_ignored(self, door):
        keys = ",".join(f'"{n}":0' for n in range(100_000)).encode()
        body = json.dumps(EVENT).encode()[:-1] + b"," + keys + b"}"
        assert len(body) < 1024 * 1024
        assert await door.send(body) == 200

    async def test_a_million_keys_are_too_large(self, door):
        keys = ",".join(f'"{n}":0' for n in range(1_000_000)).encode()
        body = b"{" + keys + b"}"
        status, _ = await raw_post(door.port, body, headers_of(body), send=1_000)
        assert status == 413

    async def test_a_million_fields_of_a_form_are_too_many(self, door):
        body = b"&".join(b"a=" for _ in range(200_000))
        assert await door.send(body, kind="application/x-www-form-urlencoded") == 400

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "x", "gzip, gzip"])
    async def test_packed_bodies_are_not_unpacked(self, door, coding):
        body = gzip.compress(bytes(50_000_000))
        headers = headers_of(body) | {"Content-Encoding": coding}
        tracemalloc.start()
        try:
            status, _ = await raw_post(door.port, body, headers)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (status, door.refused, peak < 16_000_000) == (415, ["packed"], True)

    async def test_a_slow_sender_is_not_waited_for(self, door):
        body = json.dumps(EVENT).encode()
        status, _ = await raw_post(door.port, body, headers_of(body), send=10)
        assert (status, door.refused) == (408, ["too_slow"])

    async def test_who_sends_nothing_that_looks_like_slacks_is_answered_before_the_body(self, door):
        status, _ = await raw_post(door.port, b"x" * 1_000, {"Content-Type": "application/json"}, send=0)
        assert (status, door.refused) == (401, ["headers"])


class TestOurSide:
    async def test_an_uninstalled_app_is_answered_and_nothing_else_happens(self, door):
        assert await door.send(EVENT | {"team_id": "T4"}) == 200
        assert (door.delivered, door.refused) == ([], ["closed"])

    async def test_it_is_no_secret_keeper_for_forgers(self, door):
        assert await door.send(EVENT | {"team_id": "T4"}, secret=OTHER) == 401

    @pytest.mark.parametrize("error", [Unavailable("Postgres is away"), KeyMissing("no key")])
    async def test_while_the_account_cannot_be_looked_up_slack_is_to_come_again(self, door, error):
        door.accounts.error = error
        body = json.dumps(EVENT).encode()
        async with door.http.post(door.url, data=body, headers=headers_of(body)) as answer:
            assert (answer.status, await answer.text()) == (503, "")
            assert int(answer.headers["Retry-After"]) >= 1

    async def test_what_could_not_be_stored_is_to_come_again(self, door):
        door.answer = Answer(503)
        assert await door.send(EVENT) == 503

    async def test_reading_it_is_not_allowed(self, door):
        async with door.http.get(door.url) as answer:
            assert answer.status == 405


class TestVerification:
    """https://docs.slack.dev/reference/events/url_verification names no app and no workspace."""

    CHECK: ClassVar = {"type": "url_verification", "token": "t", "challenge": "c<h>allenge"}

    @pytest.mark.parametrize("secret", [SECRET, OWN])
    async def test_a_signed_one_is_answered(self, door, secret):
        body = json.dumps(self.CHECK).encode()
        async with door.http.post(door.url, data=body, headers=headers_of(body, secret=secret)) as answer:
            assert (answer.status, await answer.text()) == (200, "c<h>allenge")
            assert answer.content_type == "text/plain"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_one_that_nobody_signed_is_not(self, door):
        body = json.dumps(self.CHECK).encode()
        assert await door.post(body, {"Content-Type": "application/json"}) == (401, "")
        assert await door.post(body, headers_of(body, secret=OTHER)) == (401, "")

    @pytest.mark.parametrize("challenge", [None, 1, ["c"], ""])
    async def test_one_without_a_challenge_is_refused(self, door, challenge):
        assert await door.send(self.CHECK | {"challenge": challenge}) == 400


async def raw_post(
    port: int, body: bytes, headers: dict[str, str], *, send: int | None = None, encoding: str = "ascii"
) -> tuple[int, bytes]:
    """Post by hand, with only the first bytes of the body if `send` says so; status and answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [
        "POST /slack/events HTTP/1.1",
        "Host: bot.example",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode(encoding) + (body if send is None else body[:send]))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1]), head
    finally:
        writer.close()
