"""`GET /files/{token}`: a file by its signed link."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TypeAlias
from uuid import UUID

import structlog
from aiohttp import web

from adapters.files.links import Links
from adapters.files.render import file_headers
from storage.errors import NotFound, StorageError, Unavailable
from storage.files import OpenFile

log = structlog.get_logger("parley.files")

# A reader that takes nothing for so long is gone.
STALLED_S = 30.0

Open: TypeAlias = Callable[[UUID, UUID], Awaitable[OpenFile]]
Endpoint: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mount(app: web.Application, open_file: Open, links: Links, *, stalled_s: float = STALLED_S) -> None:
    """Add the route. `open_file` opens a tenant's attachment, and raises NotFound and Unavailable."""
    app.add_routes([web.get("/files/{token}", _show_file(open_file, links, stalled_s))])


def _show_file(open_file: Open, links: Links, stalled_s: float) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        link = links.read(request.match_info["token"])
        try:
            if link is None:
                return _refused(404, "not_found", "This link is over, or never was one.")
            opened = await open_file(link.tenant_id, link.attachment_id)
        except NotFound:
            # In the same words: a link tells nothing of what is there.
            return _refused(404, "not_found", "This link is over, or never was one.")
        except Unavailable as error:
            refusal = _refused(503, "unavailable", "Files cannot be read at the moment; try again.")
            refusal.headers["Retry-After"] = str(max(1, round(error.retry_after)))
            log.warning("file_unavailable", error=str(error))
            return refusal
        response = web.StreamResponse(headers=file_headers(opened.attachment))
        await response.prepare(request)
        if request.method != "HEAD":
            await _send(request, response, opened, stalled_s)
        return response

    return endpoint


async def _send(
    request: web.Request, response: web.StreamResponse, opened: OpenFile, stalled_s: float
) -> None:
    try:
        async with aclosing(opened.chunks):
            async for chunk in opened.chunks:
                async with asyncio.timeout(stalled_s):
                    await response.write(chunk)
    except (StorageError, TimeoutError) as error:
        # The status is out: that the file ends too early is all that can still be said.
        log.warning("file_cut", attachment=str(opened.attachment.id), reason=type(error).__name__)
        if request.transport is not None:
            request.transport.abort()


def _refused(status: int, code: str, detail: str) -> web.Response:
    return web.json_response(
        {"error": {"code": code, "detail": detail}}, status=status, headers={"Cache-Control": "no-store"}
    )
