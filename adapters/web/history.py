"""`GET /web/v1/messages`: what was said before, over all the visitor's sessions."""

from __future__ import annotations

from aiohttp import web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, answer, authenticate, not_found
from adapters.web.parse import parse_id
from adapters.web.render import history_body

USUAL_PAGE = 50
LONGEST_PAGE = 200


def show_history(door: Door) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        channel, visitor = await authenticate(door, request)
        limit = _limit(request.query.get("limit"))
        before = request.query.get("before")
        before_id = parse_id(before)
        if before is not None and before_id is None:
            raise not_found()
        messages = await door.conversations.history(
            channel, visitor.external_id, before=before_id, limit=limit
        )
        if messages is None:
            raise not_found()
        return answer(history_body(messages, door.links(channel), newest=before is None))

    return endpoint


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_PAGE
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= LONGEST_PAGE):
        raise Refused(400, "invalid_limit", f"limit is a whole number from 1 to {LONGEST_PAGE}.")
    return int(text)
