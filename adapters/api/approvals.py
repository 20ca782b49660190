"""Approvals: what waits for somebody's yes, what was shown of it, and an operator's yes or no to exactly that."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, assert_never

from adapters.api.cursor import CURSOR, write_cursor
from adapters.api.parse import MAX_PAGE, choice, hash_of, identifier, number, said
from adapters.api.ports import Operations
from adapters.api.render import approval_document, asked_document
from adapters.api.route import Call, Route, no_such
from adapters.api.sessions import USUAL_PAGE
from adapters.errors import Refused
from storage.approval_records import ApprovalStatus
from storage.approvals import Decided, WantedApprovals
from storage.errors import NotFound
from storage.operators import Role

_ALL = "/api/v1/approvals"
_ONE = f"{_ALL}/{{approval_id}}"


class Verdict(StrEnum):
    """What an operator says to what was shown."""

    APPROVE = "approve"
    REJECT = "reject"


async def list_approvals(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    page = await operations.approvals(
        call.by,
        WantedApprovals(given.get("status"), given.get("session")),
        after=given.get("cursor"),
        limit=given.get("limit", USUAL_PAGE),
    )
    return {
        "approvals": [approval_document(each) for each in page.approvals],
        "cursor": None if page.end is None else write_cursor(page.end),
    }


async def show_approval(operations: Operations, call: Call) -> dict[str, Any]:
    try:
        return asked_document(await operations.approval(call.by, call.approval_id))
    except NotFound:
        raise no_such("approval") from None


async def decide(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    decided = await operations.decide(
        call.by,
        call.approval_id,
        approve=given["decision"] is Verdict.APPROVE,
        reason=given.get("reason"),
        shown_hash=given["shown_hash"],
    )
    match decided:
        case Decided.ACCEPTED | Decided.DUPLICATE:
            return {"outcome": decided}
        case Decided.DECIDED:
            raise Refused(409, "already_decided", "It has been decided already; look at it again.")
        case Decided.EXPIRED:
            raise Refused(
                409,
                "approval_expired",
                "Its time is up, or nothing waits for it any more; it is asked anew where it is still wanted.",
            )
        case Decided.CHANGED:
            raise Refused(409, "other_hash", "That is not the hash of what was shown; look at it again.")
        case Decided.NOT_ALLOWED:
            raise Refused(409, "not_an_approver", "You may not decide this one; may_decide says who may.")
        case Decided.CLOSED:
            raise Refused(409, "session_closed", "Its session is closed.")
        case Decided.UNKNOWN:
            raise no_such("approval")
        case _:
            assert_never(decided)


ROUTES = (
    Route(
        "GET",
        _ALL,
        "What was asked for, the newest first, without what was shown.",
        Role.VIEWER,
        list_approvals,
        "approval_page",
        query=(
            choice("status", "Only these; pending are those that can still be decided.", ApprovalStatus),
            identifier("session", "Only those of the session of this id."),
            number("limit", f"How many at most; {USUAL_PAGE} otherwise.", 1, MAX_PAGE),
            CURSOR,
        ),
    ),
    Route(
        "GET",
        _ONE,
        "One approval, with exactly what was shown.",
        Role.VIEWER,
        show_approval,
        "approval_detail",
    ),
    Route(
        "POST",
        _ONE,
        "Say yes or no to what was shown. The first who does counts.",
        Role.AGENT,
        decide,
        "outcome",
        body=(
            choice("decision", "Yes or no.", Verdict, required=True),
            hash_of("shown_hash", "The hash of what you have seen."),
            said("reason", "Why; the flow may tell the user.", required=False),
        ),
        conflicts=(
            "already_decided",
            "approval_expired",
            "other_hash",
            "not_an_approver",
            "session_closed",
        ),
    ),
)
