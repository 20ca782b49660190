"""`POST /web/v1/tickets`: a one-use ticket, so that no token stands in a socket's URL."""

from __future__ import annotations

import orjson
from aiohttp import web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, answer, authenticate
from adapters.web.verify import Visitor, claims_of, visitor_from


def issue_ticket(door: Door) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        _, visitor = await authenticate(door, request)
        ticket = await door.conversations.issue_ticket(claims_of(visitor))
        return answer(orjson.dumps({"ticket": ticket}))

    return endpoint


async def visitor_at_socket(door: Door, request: web.Request) -> Visitor:
    """Whom the ticket (or, where that is allowed, the token) in the URL names. Raises Refused."""
    token = request.query.get("token")
    if token is not None and door.token_in_url:
        return door.tokens.verify(token)
    ticket = request.query.get("ticket", "")
    claims = (
        await door.conversations.redeem_ticket(ticket)
        if ticket.isascii() and 0 < len(ticket) <= 256
        else None
    )
    if claims is None:
        raise Refused(
            401, "ticket_invalid", "This ticket is used or too old; ask POST /web/v1/tickets for a new one."
        )
    visitor = visitor_from(claims)
    door.tokens.check(visitor)
    return visitor
