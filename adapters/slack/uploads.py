"""Files on their way into Slack: asked for an address, sent there, then shared in the conversation.

https://docs.slack.dev/messaging/working-with-files#upload. Nobody sees anything of it before it is shared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeAlias
from uuid import UUID

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from adapters.errors import PlatformFailed
from adapters.slack.calling import PACED, SlackCalls
from adapters.slack.message import Upload
from adapters.slack.rooms import Room
from adapters.slack.untrusted import Given, entries, ident, record, stamp, text
from storage.records import Channel

log = structlog.get_logger("parley.slack")

_LIMIT_S = 15.0

# The bytes behind a reply's URL, for the tenant; None where they cannot be had.
ReadFile: TypeAlias = Callable[[UUID, str], Awaitable[bytes | None]]


class Uploads:
    """Shares files; without an `http` session it opens one for each."""

    def __init__(self, calls: SlackCalls, read_file: ReadFile, http: ClientSession | None = None) -> None:
        self._calls = calls
        self._read_file = read_file
        self._http = http

    async def share(self, channel: Channel, room: Room, upload: Upload, ticket: Hashable) -> str | None:
        """Put the file into the room; what its message is called (see receipts.py).

        None where it cannot be uploaded, and a link must do. Raises PlatformFailed and Unavailable.
        """
        content = await self._read_file(channel.tenant_id, upload.url)
        if not content:
            return None
        try:
            file_id = await self._send(channel, upload, content, ticket)
        except PlatformFailed as failed:
            if failed.code in ("ratelimited", PACED):
                raise
            # Nothing is shared yet, so there is nothing to be unsure of.
            log.warning("slack_upload_failed", tenant=channel.tenant_slug, error=str(failed))
            return None
        return await self._share(channel, room, upload, file_id, ticket)

    async def _send(self, channel: Channel, upload: Upload, content: bytes, ticket: Hashable) -> str:
        asked = {"filename": upload.name, "length": len(content)}
        answer = await self._calls.call(
            channel, "files.getUploadURLExternal", asked, ticket=(ticket, "address")
        )
        file_id, url = ident(answer, "file_id"), text(answer, "upload_url")
        if file_id is None or url is None:
            raise PlatformFailed("Slack's files.getUploadURLExternal", "no_answer", permanent=False)
        try:
            status = await self._post(url, content)
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            reason = type(error).__name__
            raise PlatformFailed("Slack's upload", "unreachable", permanent=False, told=reason) from None
        if status != 200:
            raise PlatformFailed("Slack's upload", f"http_{status}", permanent=True)
        return file_id

    async def _post(self, url: str, content: bytes) -> int:
        if self._http is None:
            async with ClientSession() as http:
                return await _post(http, url, content)
        return await _post(self._http, url, content)

    async def _share(
        self, channel: Channel, room: Room, upload: Upload, file_id: str, ticket: Hashable
    ) -> str | None:
        try:
            answer = await self._calls.call(
                channel,
                "files.completeUploadExternal",
                {
                    "files": [{"id": file_id, "title": upload.name}],
                    "channel_id": room.channel,
                    "thread_ts": room.thread_ts,
                },
                ticket=(ticket, "share"),
            )
        except PlatformFailed as failed:
            if not failed.permanent:
                raise
            log.warning("slack_upload_failed", tenant=channel.tenant_slug, error=str(failed))
            return None
        return _shared_as(answer, room) or file_id


async def _post(http: ClientSession, url: str, content: bytes) -> int:
    async with http.post(
        url, data=content, timeout=ClientTimeout(total=_LIMIT_S), allow_redirects=False
    ) as answer:
        return answer.status


def _shared_as(answer: Given, room: Room) -> str | None:
    """The message's ts, where Slack has shared the file already: it may do so later
    (https://github.com/slackapi/bolt-js/issues/2115)."""
    for file in map(record, entries(answer, "files")):
        for visible in ("public", "private"):
            shares = entries(record(file, "shares", visible), room.channel)
            for share in map(record, shares):
                return stamp(share, "ts")
    return None
