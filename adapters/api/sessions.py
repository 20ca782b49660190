"""Reading: `/api/v1/sessions`, one session, its transcript."""

from __future__ import annotations

from functools import partial
from typing import Any

from adapters.api.cursor import CURSOR, write_cursor
from adapters.api.parse import MAX_PAGE, choice, identifier, number, platform, switch
from adapters.api.ports import Operations
from adapters.api.render import detail_document, line_document, session_document
from adapters.api.route import Call, Route, no_such
from adapters.errors import Refused
from storage.approvals import WantedApprovals
from storage.operators import Role
from storage.session_views import Standing, Wanted

USUAL_PAGE = 50
APPROVALS_SHOWN = 20
_LATEST = 2**31 - 1


async def list_sessions(operations: Operations, call: Call) -> dict[str, Any]:
    given = call.given
    wanted = Wanted(
        given.get("status"),
        given.get("platform"),
        given.get("channel"),
        call.operator.name if given.get("mine") else None,
        given.get("user"),
    )
    page = await operations.sessions(
        call.by, wanted, after=given.get("cursor"), limit=given.get("limit", USUAL_PAGE)
    )
    return {
        "sessions": [session_document(each) for each in page.sessions],
        "cursor": None if page.end is None else write_cursor(page.end),
    }


async def show_session(operations: Operations, call: Call) -> dict[str, Any]:
    detail = await operations.session(call.by, call.session_id)
    if detail is None:
        raise no_such("session")
    asked = await operations.approvals(
        call.by, WantedApprovals(session_id=call.session_id), after=None, limit=APPROVALS_SHOWN
    )
    return detail_document(detail, asked.approvals)


async def show_transcript(operations: Operations, call: Call) -> dict[str, Any]:
    before, after = call.given.get("before"), call.given.get("after")
    if before is not None and after is not None:
        raise Refused(400, "invalid_query", "Give before or after, not both.")
    lines = await operations.transcript(
        call.by, call.session_id, before=before, after=after, limit=call.given.get("limit", USUAL_PAGE)
    )
    if lines is None:
        raise no_such("session")
    link = partial(call.file_url, call.operator.tenant_id)
    return {"messages": [line_document(each, link) for each in lines]}


_LIMIT = number("limit", f"How many at most; {USUAL_PAGE} otherwise.", 1, MAX_PAGE)

ROUTES = (
    Route(
        "GET",
        "/api/v1/sessions",
        "Sessions. Open ones come with the newest activity first, those in persons' hands with the longest there "
        "first, closed ones and one user's with the last first.",
        Role.VIEWER,
        list_sessions,
        "session_page",
        query=(
            choice("status", "Only these; without it the open ones, or all of the user's.", Standing),
            platform("platform", "Only those on this platform."),
            identifier("channel", "Only those on the channel of this id."),
            identifier("user", "Only those of the user of this id."),
            switch("mine", "Only those that you have taken."),
            _LIMIT,
            CURSOR,
        ),
    ),
    Route(
        "GET",
        "/api/v1/sessions/{session_id}",
        "One session, with what went wrong in it, and its last approvals, the newest first.",
        Role.VIEWER,
        show_session,
        "session_detail",
    ),
    Route(
        "GET",
        "/api/v1/sessions/{session_id}/messages",
        "What was said, in order: the last messages, or those before or after a seq.",
        Role.VIEWER,
        show_transcript,
        "transcript",
        query=(
            number("before", "Only messages with a smaller seq.", 0, _LATEST),
            number("after", "Only messages with a larger seq; the first ones then.", 0, _LATEST),
            _LIMIT,
        ),
    ),
)
