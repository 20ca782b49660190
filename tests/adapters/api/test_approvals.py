"""Approvals over the API: listed without what was said, shown exactly, and decided by what was seen."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from desk_rehearsal import APPROVAL, HASH, NOW, SESSION, DeskRehearsal

from storage.approval_records import ApprovalStatus
from storage.approvals import Decided, WantedApprovals
from storage.session_views import Place

ONE = f"approvals/{APPROVAL}"
YES = {"decision": "approve", "shown_hash": HASH.hex()}


def code(answer: tuple[int, Any]) -> tuple[int, str]:
    status, document = answer
    assert set(document["error"]) == {"code", "detail"}
    return status, document["error"]["code"]


async def test_approvals_are_listed_as_wanted(viewer: Any, desk: DeskRehearsal) -> None:
    status, page = await viewer("GET", "approvals")
    assert (status, len(page["approvals"]), page["cursor"]) == (200, 2, None)
    desk.end = Place(NOW, APPROVAL)
    session = uuid4()
    _, page = await viewer("GET", f"approvals?status=pending&session={session}&limit=7")
    await viewer("GET", f"approvals?cursor={page['cursor']}")
    assert desk.done == [
        ("approvals", WantedApprovals(), None, 50),
        ("approvals", WantedApprovals(ApprovalStatus.PENDING, session), None, 7),
        ("approvals", WantedApprovals(), Place(NOW, APPROVAL), 50),
    ]


async def test_a_list_says_who_may_decide_and_not_what_was_said(viewer: Any) -> None:
    _, page = await viewer("GET", "approvals")
    assert [each["may_decide"] for each in page["approvals"]] == [
        {"asker": False, "any_operator": True, "operators": []},
        {"asker": True, "any_operator": False, "operators": ["ann", "bob"]},
    ]
    for said in ("shown", "shown_hash", "reason"):
        assert all(said not in each for each in page["approvals"])


async def test_an_approval_is_shown_exactly_with_what_it_came_to(viewer: Any) -> None:
    status, shown = await viewer("GET", ONE)
    assert status == 200
    assert (shown["shown"], shown["shown_hash"]) == ("Send €40.00\nto Ada", HASH.hex())
    assert (shown["status"], shown["decided_by"], shown["reason"]) == ("used", "operator:ann", "it is fine")


async def test_a_session_tells_who_decided_what(viewer: Any, desk: DeskRehearsal) -> None:
    _, shown = await viewer("GET", f"sessions/{SESSION}")
    assert [(each["shown"], each["status"], each["decided_by"]) for each in shown["approvals"]] == [
        ("Send €40.00\nto Ada", "pending", None),
        ("Send €40.00\nto Ada", "used", "operator:ann"),
    ]
    assert desk.done == [("approvals", WantedApprovals(session_id=SESSION), None, 20)]


async def test_a_decision_is_made_in_the_operators_name(agent: Any, desk: DeskRehearsal) -> None:
    no = {"decision": "reject", "shown_hash": HASH.hex().upper(), "reason": "Too much.\nSorry"}
    for body in (YES, no):
        assert await agent("POST", ONE, json=body) == (200, {"outcome": "accepted"})
    assert desk.done == [
        ("decide", "a-agent", True, None, HASH),
        ("decide", "a-agent", False, "Too much.\nSorry", HASH),
    ]
    desk.decided = Decided.DUPLICATE
    assert await agent("POST", ONE, json=YES) == (200, {"outcome": "duplicate"})


@pytest.mark.parametrize(
    ("decided", "expected"),
    [
        (Decided.DECIDED, (409, "already_decided")),
        (Decided.EXPIRED, (409, "approval_expired")),
        (Decided.CHANGED, (409, "other_hash")),
        (Decided.NOT_ALLOWED, (409, "not_an_approver")),
        (Decided.CLOSED, (409, "session_closed")),
        (Decided.UNKNOWN, (404, "not_found")),
    ],
)
async def test_a_decision_that_does_not_count_says_why(
    agent: Any, desk: DeskRehearsal, decided: Decided, expected: tuple[int, str]
) -> None:
    desk.decided = decided
    assert code(await agent("POST", ONE, json=YES)) == expected


@pytest.mark.parametrize(
    "approval_id", ["0c4c1dfe-40f4-4132-9457-65d7cf86b205", "x", "%00", "%ED%A0%80", APPROVAL.hex]
)
async def test_an_approval_that_is_not_there_is_404_however_it_is_called(
    agent: Any, approval_id: str
) -> None:
    expected = {"error": {"code": "not_found", "detail": "There is no such approval."}}
    assert await agent("GET", f"approvals/{approval_id}") == (404, expected)
    assert await agent("POST", f"approvals/{approval_id}", json=YES) == (404, expected)


@pytest.mark.parametrize(
    "query",
    [
        "status=open",
        "status=",
        "status=pending&status=used",
        "session=5",
        "limit=0",
        "limit=201",
        "cursor=x",
        "mine=true",
    ],
)
async def test_a_list_is_asked_for_strictly(viewer: Any, desk: DeskRehearsal, query: str) -> None:
    assert code(await viewer("GET", f"approvals?{query}")) == (400, "invalid_query")
    assert desk.done == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "approve"},
        {"shown_hash": HASH.hex()},
        YES | {"decision": "yes"},
        YES | {"decision": True},
        YES | {"decision": ["approve"]},
        YES | {"shown_hash": HASH.hex()[:-1]},
        YES | {"shown_hash": HASH.hex() + "\n"},
        YES | {"shown_hash": None},
        YES | {"reason": ""},
        YES | {"reason": None},
        YES | {"reason": "a\0b"},
        YES | {"force": True},
    ],
)
async def test_a_decision_is_read_strictly(agent: Any, desk: DeskRehearsal, body: Any) -> None:
    assert code(await agent("POST", ONE, json=body)) == (400, "invalid_body")
    assert desk.done == []


@pytest.mark.parametrize(("path", "allowed"), [("approvals", "GET"), (ONE, "GET, POST")])
async def test_another_method_than_it_takes_is_405(agent: Any, path: str, allowed: str) -> None:
    answer = await agent.raw("DELETE", path)
    assert (answer.status, answer.headers["Allow"]) == (405, allowed)
