"""`GET /web/v1/sites/{site}`: what the widget shows before anybody has said anything."""

from __future__ import annotations

from aiohttp import web

from adapters.web.exchange import Door, Endpoint, answer, check_origin, find_site
from adapters.web.render import site_body


def show_site(door: Door) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        channel = await find_site(door, request.match_info["site"])
        check_origin(request, channel)
        return answer(site_body(await door.conversations.site(channel)))

    return endpoint
