"""What every call of the web protocol shares: reading, who asks from where, answering and refusing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias
from uuid import UUID

from aiohttp import web

from adapters.errors import Refused
from adapters.web.parse import MAX_BODY_BYTES, too_large
from adapters.web.ports import Conversations, Uploads
from adapters.web.render import FileLink, refusal_body
from adapters.web.tokens import Tokens
from adapters.web.verify import Visitor, is_site, origin_allowed, refused_token
from storage.errors import Unavailable
from storage.records import Channel

Endpoint: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_TIMEOUT_S = 10
_JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Door:
    """What the endpoints are built on.

    `file_url` makes the short-lived link of a tenant's file. `token_in_url`: sockets may be opened by `?token=`
    (`run` only).
    """

    conversations: Conversations
    uploads: Uploads
    tokens: Tokens
    file_url: Callable[[UUID, UUID], str]
    token_in_url: bool = False

    def links(self, channel: Channel) -> FileLink:
        """The links of the channel's files, as the renderer wants them."""
        return partial(self.file_url, channel.tenant_id)


def answer(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers=_JSON)


def refusing(endpoint: Endpoint) -> Endpoint:
    """Answer what the endpoint refuses as JSON, readable by the page that asked unless its origin is refused.

    We use no cookies, so a page of any origin may read only what it could ask for by itself.
    """

    async def respond(request: web.Request) -> web.StreamResponse:
        try:
            response = await endpoint(request)
        except (Refused, Unavailable) as error:
            refusal = as_refusal(error)
            response = answer(refusal_body(refusal), refusal.status)
            if refusal.retry_after is not None:
                response.headers["Retry-After"] = str(max(1, round(refusal.retry_after)))
            if refusal.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            if refusal.code == "origin_refused":
                return response
        origin = request.headers.get("Origin")
        if origin is not None and not response.prepared:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            response.headers["Vary"] = "Origin"
        return response

    return respond


def as_refusal(error: Refused | Unavailable) -> Refused:
    """What a visitor may know of it: not which of our services is down."""
    if isinstance(error, Refused):
        return error
    return Refused(
        503, "unavailable", "This cannot be done right now; try again.", retry_after=error.retry_after
    )


async def preflight(request: web.Request) -> web.StreamResponse:
    """Allow the question; whether the origin may ask is decided by the call, which knows the site."""
    return web.Response(
        status=204,
        headers={
            "Access-Control-Allow-Origin": request.headers.get("Origin", "*"),
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, File-Name",
            "Access-Control-Max-Age": "7200",
            "Vary": "Origin",
        },
    )


async def read_body(request: web.Request) -> bytes:
    """The body, at most 64 KB of it (also when it was compressed), within ten seconds."""
    length = request.content_length
    if length is not None and length > MAX_BODY_BYTES:
        raise too_large()
    try:
        if request.content.is_eof():
            body = await request.read()
        else:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await request.read()
    except TimeoutError as error:
        raise Refused(408, "too_slow", f"The body did not arrive within {BODY_TIMEOUT_S} s.") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise too_large() from error
    except web.RequestPayloadError as error:
        raise Refused(400, "invalid_body", "The body is not encoded as its headers say.") from error
    if len(body) > MAX_BODY_BYTES:
        raise too_large()
    return body


async def authenticate(door: Door, request: web.Request) -> tuple[Channel, Visitor]:
    """The channel and visitor of the bearer token, from a page that may ask. Raises Refused 401, 403."""
    authorization = request.headers.get("Authorization")
    if authorization is None or authorization[:7].lower() != "bearer ":
        raise Refused(
            401, "token_missing", "Send the token of POST /web/v1/sessions as Authorization: Bearer."
        )
    visitor = door.tokens.verify(authorization[7:])
    channel = await channel_of(door, visitor)
    check_origin(request, channel)
    return channel, visitor


async def channel_of(door: Door, visitor: Visitor) -> Channel:
    """The channel that the visitor's token was issued for, if the site still is that channel."""
    channel = await door.conversations.find_channel(visitor.site)
    if channel is None or channel.id != visitor.channel_id or channel.tenant_id != visitor.tenant_id:
        raise refused_token()
    return channel


async def find_site(door: Door, site: object) -> Channel:
    channel = await door.conversations.find_channel(str(site)) if is_site(site) else None
    if channel is None:
        raise Refused(
            404, "unknown_site", "No site has this key; `parley channel list` shows those there are."
        )
    return channel


def check_origin(request: web.Request, channel: Channel) -> None:
    origin = request.headers.get("Origin")
    if origin is None:
        return
    if not origin_allowed(origin, request.host, channel.settings.get("allowed_origins") or ()):
        raise Refused(
            403, "origin_refused", "Pages of this origin may not use this site; add it to allowed_origins."
        )


def not_found() -> Refused:
    return Refused(404, "not_found", "There is no such message.")
