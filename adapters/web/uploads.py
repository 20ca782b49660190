"""`POST /web/v1/attachments`: a file of the visitor's, to be named in a message afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote

from aiohttp import web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, answer, authenticate
from adapters.web.render import uploaded_body
from storage.errors import Invalid, TooLarge, WrongType

LARGEST_FILE_BYTES = 20_000_000
# A sender that sends nothing for so long is gone; one that always sends a little is, too, in the end.
STALLED_S = 15.0
LONGEST_UPLOAD_S = 300.0


def take_file(door: Door, *, stalled_s: float = STALLED_S, longest_s: float = LONGEST_UPLOAD_S) -> Endpoint:
    """The body is the file, `Content-Type` its type, `File-Name` its name, percent-encoded."""

    async def endpoint(request: web.Request) -> web.StreamResponse:
        channel, visitor = await authenticate(door, request)
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(400, "invalid_body", "Send the file as it is, without Content-Encoding.")
        if (request.content_length or 0) > LARGEST_FILE_BYTES:
            raise _too_large()
        try:
            file = await door.uploads.keep(
                channel,
                visitor.external_id,
                _pieces(request, stalled_s, longest_s),
                limit_bytes=LARGEST_FILE_BYTES,
                name=unquote(request.headers.get("File-Name", "")),
                declared_type=request.headers.get("Content-Type", ""),
            )
        except TooLarge as error:
            raise _too_large() from error
        except WrongType as error:
            # In the same words whatever was found out, so that nobody learns how it was.
            raise Refused(
                415,
                "unsupported_file",
                "Files of this type are not taken, or this one is not what its Content-Type says.",
            ) from error
        except Invalid as error:
            raise Refused(400, "empty_file", "The file is empty; send its bytes as the body.") from error
        return answer(uploaded_body(file), 201)

    return endpoint


async def _pieces(request: web.Request, stalled_s: float, longest_s: float) -> AsyncIterator[bytes]:
    """The body as it comes in; aiohttp stops reading from the network while nobody takes it."""
    now = asyncio.get_running_loop().time
    end = now() + longest_s
    while True:
        try:
            async with asyncio.timeout(max(0.0, min(stalled_s, end - now()))):
                piece = await request.content.readany()
        except TimeoutError as error:
            raise Refused(
                408,
                "too_slow",
                f"Nothing came for {stalled_s:g} s, or the file took longer than {longest_s:g} s.",
            ) from error
        except (web.RequestPayloadError, ConnectionError) as error:
            raise Refused(400, "invalid_body", "The body ended too early.") from error
        if not piece:
            return
        yield piece


def _too_large() -> Refused:
    return Refused(413, "too_large", f"A file has at most {LARGEST_FILE_BYTES // 1_000_000} MB.")
