"""`POST /web/v1/sessions`: a visitor comes in and gets a token."""

from __future__ import annotations

import re
from secrets import token_urlsafe

from aiohttp import web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, answer, check_origin, find_site, read_body
from adapters.web.parse import parse_document
from adapters.web.render import opened_body
from adapters.web.verify import user_of
from storage.clock import Clock
from storage.records import Channel, Sighting

_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def open_session(door: Door, clock: Clock) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        document = parse_document(await read_body(request))
        site = document.get("site")
        channel = await find_site(door, site)
        check_origin(request, channel)
        external_id = _external_id(document.get("user"), str(site), channel, clock)
        opened = await door.conversations.open_session(channel, Sighting(external_id, _locale(request)))
        token, expires_at = door.tokens.issue(str(site), channel, external_id)
        return answer(opened_body(token, opened.session_id, expires_at))

    return endpoint


def _external_id(user: object, site: str, channel: Channel, clock: Clock) -> str:
    """The host site's own user where it vouches for one, else a new visitor that nobody can guess."""
    if user is None:
        return f"visitor:{token_urlsafe(16)}"
    if not isinstance(user, str):
        raise Refused(400, "invalid_user", "user is a JWT (a string) that the host site signed, or left out.")
    return user_of(user, channel.credentials.get("identity_secret"), site, clock().timestamp())


def _locale(request: web.Request) -> str | None:
    first = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0].strip()
    return first if len(first) <= 35 and _LOCALE.fullmatch(first) else None
