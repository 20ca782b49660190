"""Files that visitors send: kept as theirs, within what one visitor and this process may have at once."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from uuid import UUID

from adapters.errors import Refused
from adapters.web.verify import refused_token
from bot.limits import MessageLimit
from storage.attachments import AttachmentStatus
from storage.errors import NotFound, Unavailable, WrongType
from storage.files import Files
from storage.records import Channel, UploadedFile

# Files of one visitor that no message has named yet; they go after a day (see `bot.runtime`).
MOST_WAITING = 20
# Each may hold a few megabytes of memory, and its whole size of disk, while it comes in.
MOST_AT_ONCE = 16


class WebUploads:
    """Implements `adapters.web.ports.Uploads`. An upload counts as a message of its visitor."""

    def __init__(
        self,
        files: Files,
        find_user: Callable[[Channel, str], Awaitable[UUID | None]],
        limit: MessageLimit,
        *,
        at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._files = files
        self._find_user = find_user
        self._limit = limit
        self._places = at_once

    async def keep(
        self,
        channel: Channel,
        external_user_id: str,
        content: AsyncIterable[bytes],
        *,
        limit_bytes: int,
        name: str,
        declared_type: str,
    ) -> UploadedFile:
        """Store a file of the visitor's."""
        wait_s = await self._limit.wait_s(channel, external_user_id)
        if wait_s is not None:
            raise Refused(
                429, "too_many_messages", "Too many files; send this one again later.", retry_after=wait_s
            )
        user_id = await self._find_user(channel, external_user_id)
        if user_id is None:
            raise refused_token()
        if await self._files.waiting(channel.tenant_id, user_id) >= MOST_WAITING:
            raise Refused(
                429,
                "too_many_files",
                f"{MOST_WAITING} files wait to be named in a message; send those first.",
            )
        if self._places <= 0:
            raise Unavailable("as many files as this process takes at once are coming in", retry_after=5.0)
        self._places -= 1
        try:
            kept = await self._files.keep(
                channel.tenant_id,
                user_id,
                content,
                name=name,
                declared_type=declared_type,
                limit_bytes=limit_bytes,
            )
        except NotFound as error:
            raise refused_token() from error
        finally:
            self._places += 1
        if kept.status is not AttachmentStatus.READY:
            # It is kept for an operator to look at, and no message can name it.
            raise WrongType("the file hides something")
        return UploadedFile(kept.id, kept.file_name, kept.file_type, kept.size_bytes)
