"""What the API takes and answers."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from desk_rehearsal import FILE, NOW, SESSION, TENANT, DeskRehearsal, line

from adapters.api.cursor import read_cursor, write_cursor
from storage.desk import Handled
from storage.events import Posted
from storage.operators import Role
from storage.records import ContentType, Sender
from storage.session_views import Place, Standing, Wanted

HERE = f"sessions/{SESSION}"
ACTIONS = ("take", "messages", "resume", "close")
GIVEN: dict[str, dict[str, Any]] = {"messages": {"id": "m1", "text": "hello"}}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, document = answer
    assert set(document["error"]) == {"code", "detail"}
    return status, document["error"]["code"]


async def test_an_operator_is_told_who_they_are(agent: Any) -> None:
    assert await agent("GET", "me") == (
        200,
        {"name": "a-agent", "role": "agent", "tenant_id": str(TENANT), "expires_at": None},
    )


async def test_sessions_are_listed_as_wanted(viewer: Any, desk: DeskRehearsal) -> None:
    status, page = await viewer("GET", "sessions")
    assert (status, len(page["sessions"]), page["cursor"]) == (200, 2, None)
    channel, user = uuid4(), uuid4()
    desk.end = Place(NOW, SESSION)
    query = f"status=handoff&platform=web&channel={channel}&user={user}&mine=true&limit=7"
    _, page = await viewer("GET", f"sessions?{query}")
    _, _ = await viewer("GET", f"sessions?mine=false&cursor={page['cursor']}")
    assert desk.done == [
        ("sessions", Wanted(), None, 50),
        ("sessions", Wanted(Standing.HANDOFF, "web", channel, "a-viewer", user), None, 7),
        ("sessions", Wanted(), Place(NOW, SESSION), 50),
    ]


async def test_a_session_is_shown_with_what_went_wrong(viewer: Any) -> None:
    status, shown = await viewer("GET", HERE)
    assert (status, shown["owner"], shown["waits_at"], shown["dead_letters"]) == (200, "zoe", "size#0", 1)
    assert [problem["error"] for problem in shown["delivery_problems"]] == ["blocked"]


async def test_a_transcript_names_who_said_what(viewer: Any, desk: DeskRehearsal) -> None:
    desk.lines += [
        line(3, '{"text": "Which?"}', content_type=ContentType.RICH, sender=Sender.BOT),
        line(4, "[sensitive]", content_type=ContentType.JSON),
    ]
    status, shown = await viewer("GET", f"{HERE}/messages?after=0&limit=4")
    assert status == 200
    assert [(each["sender_type"], each["operator"], each["content"]) for each in shown["messages"]] == [
        ("user", None, "hello"),
        ("agent", "zoe", "hi"),
        ("bot", None, {"text": "Which?"}),
        ("user", None, "[sensitive]"),
    ]
    assert shown["messages"][0]["attachments"] == [
        {
            "attachment_id": str(FILE),
            "name": "crack.png",
            "type": "image/png",
            "size": 5,
            "url": f"/files/{TENANT}-{FILE}",
        }
    ]
    assert desk.done == [("transcript", None, 0, 4)]
    await viewer("GET", f"{HERE}/messages?before=9")
    assert desk.done[1:] == [("transcript", 9, None, 50)]


@pytest.mark.parametrize(
    "query",
    [
        "status=any",
        "status=",
        "status=open&status=closed",
        "platform=Web",
        "platform=%00",
        "platform=%ED%A0%80",
        "channel=5",
        "user=x",
        "mine=1",
        "mine=TRUE",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=%D9%A3",
        "limit=1e2",
        "limit=" + "9" * 30,
        "cursor=x",
        "cursor=" + "_" * 32,
        "cursor=" + "f" * 33,
        "nothing=1",
        "%00=1",
    ],
)
async def test_a_query_is_read_strictly(viewer: Any, desk: DeskRehearsal, query: str) -> None:
    assert code(await viewer("GET", f"sessions?{query}")) == (400, "invalid_query")
    assert desk.done == []


@pytest.mark.parametrize("query", ["before=1&after=1", "before=x", "after=-1", "after=99999999999", "seq=1"])
async def test_a_piece_of_a_transcript_is_asked_for_strictly(viewer: Any, query: str) -> None:
    assert code(await viewer("GET", f"{HERE}/messages?{query}")) == (400, "invalid_query")


async def test_actions_are_carried_out_in_the_operators_name(agent: Any, desk: DeskRehearsal) -> None:
    for what, body in [
        ("take", {"force": True}),
        ("messages", {"id": "m1", "text": " Hello\n😀 "}),
        ("resume", {"id": "r1"}),
        ("close", {"id": "c1", "resolved": False, "force": False}),
        ("events", {"name": "paid in full", "value": {"amount": 5}, "key": "k1"}),
    ]:
        assert await agent("POST", f"{HERE}/{what}", json=body) == (202, {"outcome": "accepted"})
    assert desk.done == [
        ("take", "a-agent", True),
        ("reply", "a-agent", " Hello\n😀 ", "m1", False),
        ("resume", "a-agent", "r1", False),
        ("close", "a-agent", False, "c1", False),
        ("event", "a-agent", "paid in full", {"amount": 5}, "k1"),
    ]


async def test_actions_without_a_body_get_a_key_of_their_own(agent: Any, desk: DeskRehearsal) -> None:
    for what in ("take", "resume", "close", "close"):
        assert (await agent("POST", f"{HERE}/{what}"))[0] == 202
    keys = [each[-2] for each in desk.done[1:]]
    assert len(set(keys)) == 3
    assert all(UUID(each) for each in keys)
    assert desk.done[2][2] is None


async def test_a_repeat_says_so(agent: Any, desk: DeskRehearsal) -> None:
    desk.outcome, desk.posted = Handled.DUPLICATE, Posted.DUPLICATE
    for what in (*ACTIONS, "events"):
        body = GIVEN.get(what, {}) if what != "events" else {"name": "paid", "key": "k"}
        assert await agent("POST", f"{HERE}/{what}", json=body) == (202, {"outcome": "duplicate"})


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Handled.UNKNOWN, (404, "not_found")),
        (Handled.CLOSED, (409, "session_closed")),
        (Handled.OWNED, (409, "session_owned")),
        (Handled.NOT_HANDED_OVER, (409, "not_handed_over")),
    ],
)
@pytest.mark.parametrize("what", ACTIONS)
async def test_an_action_that_comes_to_nothing_says_why(
    agent: Any, desk: DeskRehearsal, what: str, outcome: Handled, expected: tuple[int, str]
) -> None:
    desk.outcome, desk.owner = outcome, "zoe"
    answer = await agent("POST", f"{HERE}/{what}", json=GIVEN.get(what, {}))
    assert code(answer) == expected
    if outcome is Handled.OWNED:
        assert answer[1]["error"]["detail"] == "zoe has this session; send force: true to take it."


@pytest.mark.parametrize(
    ("posted", "expected"),
    [(Posted.UNKNOWN, (404, "not_found")), (Posted.CLOSED, (409, "session_closed"))],
)
async def test_an_event_that_reaches_nobody_says_why(
    agent: Any, desk: DeskRehearsal, posted: Posted, expected: tuple[int, str]
) -> None:
    desk.posted = posted
    assert code(await agent("POST", f"{HERE}/events", json={"name": "paid", "key": "k"})) == expected


@pytest.mark.parametrize(
    "session_id",
    ["0c4c1dfe-40f4-4132-9457-65d7cf86b205", "x", "%00", "%ED%A0%80", SESSION.hex, f"{SESSION}x"],
)
async def test_a_session_that_is_not_there_is_404_however_it_is_called(agent: Any, session_id: str) -> None:
    expected = {"error": {"code": "not_found", "detail": "There is no such session."}}
    calls = [("GET", "", None), ("GET", "/messages", None)]
    calls += [("POST", f"/{what}", GIVEN.get(what, {})) for what in ACTIONS]
    calls += [("POST", "/events", {"name": "paid", "key": "k"})]
    for method, path, body in calls:
        assert await agent(method, f"sessions/{session_id}{path}", json=body) == (404, expected)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("take", {"force": 1}),
        ("take", {"force": None}),
        ("take", {"x": 1}),
        ("messages", {}),
        ("messages", {"id": "m1"}),
        ("messages", {"text": "hello"}),
        ("messages", {"id": "", "text": "hello"}),
        ("messages", {"id": "a b", "text": "hello"}),
        ("messages", {"id": "é", "text": "hello"}),
        ("messages", {"id": "x" * 129, "text": "hello"}),
        ("messages", {"id": 5, "text": "hello"}),
        ("messages", {"id": "m1", "text": ""}),
        ("messages", {"id": "m1", "text": " \n"}),
        ("messages", {"id": "m1", "text": "a\0b"}),
        ("messages", {"id": "m1", "text": "x" * 8001}),
        ("messages", {"id": "m1", "text": ["hello"]}),
        ("messages", {"id": "m1", "text": "hello", "payload": {}}),
        ("resume", {"id": None}),
        ("close", {"resolved": "yes"}),
        ("close", {"resolved": None}),
        ("events", {"name": "paid"}),
        ("events", {"key": "k"}),
        ("events", {"name": "", "key": "k"}),
        ("events", {"name": "a\nb", "key": "k"}),
        ("events", {"name": "x" * 129, "key": "k"}),
        ("events", {"name": "paid", "key": "k", "value": "x" * 9000}),
        ("events", {"name": "paid", "key": "k", "value": {"a\0": 1}}),
        ("events", {"name": "paid", "key": "k", "value": [["a", "b\0"]]}),
    ],
)
async def test_a_body_is_read_strictly(agent: Any, desk: DeskRehearsal, path: str, body: Any) -> None:
    assert code(await agent("POST", f"{HERE}/{path}", json=body)) == (400, "invalid_body")
    assert desk.done == []


@pytest.mark.parametrize("depth", [100, 300, 2000])
async def test_a_value_that_is_nested_too_deep_is_refused(agent: Any, depth: int) -> None:
    raw = b'{"name":"paid","key":"k","value":' + b"[" * depth + b"]" * depth + b"}"
    status, code_of = code(await agent("POST", f"{HERE}/events", data=raw))
    assert (status, code_of) in ((400, "invalid_body"), (400, "invalid_json"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{", (400, "invalid_json")),
        (b"[]", (400, "invalid_json")),
        (b"null", (400, "invalid_json")),
        (b'"x"', (400, "invalid_json")),
        (b"\xff", (400, "invalid_json")),
        (b'{"id":"m1","text":"\\ud800"}', (400, "invalid_text")),
        (b'{"id":"m1","text":"' + b"x" * 70_000 + b'"}', (413, "too_large")),
    ],
)
async def test_what_is_no_small_json_object_is_refused(
    agent: Any, desk: DeskRehearsal, raw: bytes, expected: tuple[int, str]
) -> None:
    assert code(await agent("POST", f"{HERE}/messages", data=raw)) == expected
    assert desk.done == []


async def test_a_body_that_grows_when_it_is_unpacked_is_refused(agent: Any) -> None:
    bomb = gzip.compress(b'{"id":"m1","text":"' + b"x" * 5_000_000 + b'"}')
    answer = await agent("POST", f"{HERE}/messages", data=bomb, headers={"Content-Encoding": "gzip"})
    assert code(answer) == (413, "too_large")
    answer = await agent("POST", f"{HERE}/messages", data=b"no gzip", headers={"Content-Encoding": "gzip"})
    assert code(answer) == (400, "invalid_body")


async def test_operators_are_made_listed_and_ended(admin: Any, desk: DeskRehearsal) -> None:
    status, made = await admin(
        "POST", "operators", json={"name": "eve@example.com", "role": "viewer", "expires_days": 30}
    )
    assert (status, made["name"], made["role"], made["token"]) == (
        201,
        "eve@example.com",
        "viewer",
        "parley_token",
    )
    status, listed = await admin("GET", "operators")
    assert (status, [each["name"] for each in listed["operators"]]) == (
        200,
        ["a-viewer", "a-agent", "a-admin"],
    )
    assert "token" not in listed["operators"][0]
    assert await admin("DELETE", "operators/a-viewer") == (204, None)
    assert desk.done == [
        ("admit", "a-admin", "eve@example.com", Role.VIEWER, timedelta(days=30)),
        ("revoke", "a-admin", "a-viewer"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "eve"},
        {"role": "agent"},
        {"name": "console", "role": "agent"},
        {"name": "Eve", "role": "agent"},
        {"name": "eve", "role": "king"},
        {"name": "eve", "role": ["agent"]},
        {"name": "eve", "role": "agent", "expires_days": 0},
        {"name": "eve", "role": "agent", "expires_days": 3661},
        {"name": "eve", "role": "agent", "expires_days": True},
        {"name": "eve", "role": "agent", "token": "mine"},
    ],
)
async def test_what_makes_no_operator_is_refused(admin: Any, desk: DeskRehearsal, body: Any) -> None:
    assert code(await admin("POST", "operators", json=body)) == (400, "invalid_body")
    assert desk.done == []


async def test_a_name_that_is_taken_is_refused(admin: Any) -> None:
    body = {"name": "a-viewer", "role": "admin"}
    assert code(await admin("POST", "operators", json=body)) == (409, "name_taken")


@pytest.mark.parametrize("name", ["nobody", "console", "%00", "A", "x" * 65])
async def test_nobody_is_ended_who_is_not_there(admin: Any, name: str) -> None:
    assert code(await admin("DELETE", f"operators/{name}")) == (404, "not_found")


@pytest.mark.parametrize("path", ["", "nothing", "sessions/", f"{HERE}/nothing", "me/x", f"{HERE}/take/x"])
async def test_a_path_that_is_none_is_404(agent: Any, path: str) -> None:
    assert code(await agent("GET", path)) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "me", "GET"),
        ("DELETE", "sessions", "GET"),
        ("PUT", f"{HERE}/messages", "GET, POST"),
        ("GET", f"{HERE}/take", "POST"),
        ("POST", "openapi.json", "GET"),
        ("PATCH", "operators", "GET, POST"),
    ],
)
async def test_another_method_than_a_path_takes_is_405(
    agent: Any, method: str, path: str, allowed: str
) -> None:
    answer = await agent.raw(method, path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    assert (await answer.json())["error"]["code"] == "method_not_allowed"


def test_a_cursor_comes_back_as_it_went() -> None:
    place = Place(NOW + timedelta(microseconds=1), SESSION)
    assert read_cursor(write_cursor(place)) == place
    for text in ("", "x" * 31, "x" * 33, "+" * 32, "f_" + "_" * 30):
        with pytest.raises(ValueError, match="cursor"):
            read_cursor(text)
