"""A file is an object and a row: both are written, read and deleted here, in the order that a crash forgives.

The object comes before its row and goes after it. So a row always has its object, and what a crash leaves is an
object without a row, which `sweep` finds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from storage.attachments import Attachment, Attachments, AttachmentStatus
from storage.errors import NotFound, WrongType
from storage.file_names import clean_name
from storage.file_types import HEAD_BYTES, TAIL_BYTES, FileType, find_type, suspicion
from storage.objects import Objects
from storage.received import Received, receive

log = structlog.get_logger("parley.files")

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file to read; its `chunks` come once, and are closed by who reads them."""

    attachment: Attachment
    chunks: AsyncGenerator[bytes, None]


class Files:
    """Keeps files. Every method raises Unavailable when the object store or Postgres cannot be reached."""

    def __init__(self, objects: Objects, attachments: Attachments) -> None:
        self._objects = objects
        self._attachments = attachments

    async def keep(
        self,
        tenant_id: UUID,
        user_id: UUID,
        content: bytes | AsyncIterable[bytes],
        *,
        name: str,
        declared_type: str,
        limit_bytes: int,
        message_id: UUID | None = None,
    ) -> Attachment:
        """Take a file in. One that hides something comes back quarantined.

        Raises Invalid for a file that is empty, TooLarge, and WrongType for one of a type that is not taken or not
        of the type it claims; nothing of it is stored then. Raises NotFound like `Attachments.create`.
        """
        kind = find_type(declared_type)
        if kind is None:
            raise WrongType("files of this type are not taken")
        async with receive(content, limit_bytes=limit_bytes) as received:
            status = _judge(kind, received)
            stored = await self._objects.put_received(tenant_id, received)
        return await self._attachments.create(
            tenant_id,
            user_id,
            stored,
            file_name=clean_name(name, kind.endings),
            file_type=kind.name,
            status=status,
            message_id=message_id,
        )

    async def open(self, tenant_id: UUID, attachment_id: UUID) -> OpenFile:
        """A file that may be shown.

        Raises NotFound for one that is not there, not ready, sensitive, or whose bytes are not what was stored.
        """
        attachment = await self._attachments.load(tenant_id, attachment_id)
        if attachment.sensitive:
            raise NotFound(f"file {attachment_id} is shown to nobody")
        return await self._open(tenant_id, attachment)

    async def read(self, tenant_id: UUID, attachment_id: UUID) -> bytes:
        """All of a file, for a flow, which may read a sensitive one. Raises NotFound like `open`."""
        opened = await self._open(tenant_id, await self._attachments.load(tenant_id, attachment_id))
        async with aclosing(opened.chunks):
            return b"".join([chunk async for chunk in opened.chunks])

    async def waiting(self, tenant_id: UUID, user_id: UUID) -> int:
        """How many files of a user no message has claimed."""
        return await self._attachments.count_unclaimed(tenant_id, user_id)

    async def _open(self, tenant_id: UUID, attachment: Attachment) -> OpenFile:
        if attachment.status is not AttachmentStatus.READY:
            raise NotFound(f"file {attachment.id} is {attachment.status}")
        opened = await self._objects.get(tenant_id, attachment.key)
        if opened.size != attachment.size_bytes:
            log.warning("file_altered", tenant=str(tenant_id), attachment=str(attachment.id))
            raise NotFound(f"file {attachment.id} is not what was stored")
        return OpenFile(attachment, opened.chunks)

    async def delete(self, tenant_id: UUID, attachment_id: UUID) -> None:
        """Delete a file for good. Raises NotFound."""
        await self._objects.delete(tenant_id, await self._attachments.delete(tenant_id, attachment_id))

    async def orphans(self, tenant_id: UUID, before: datetime) -> AsyncIterator[str]:
        """The keys of objects from before then that no row names.

        A crash between object and row leaves one, and so does a row that went with its message or its user.
        `before` has to leave a file that comes in just now its time.
        """
        keys: list[str] = []
        async for each in self._objects.list_all(tenant_id):
            if each.stored_at < before:
                keys.append(each.key)
            if len(keys) == AT_ONCE:
                for key in await self._without_row(tenant_id, keys):
                    yield key
                keys = []
        for key in await self._without_row(tenant_id, keys):
            yield key

    async def sweep(self, tenant_id: UUID, before: datetime) -> int:
        """Delete what nobody claimed before then: files without a message, orphans, drafts; returns how many.

        Looks at every object of the tenant.
        """
        gone = await self.sweep_unclaimed(tenant_id, before)
        gone += await self._objects.drop_drafts(tenant_id, before)
        async for key in self.orphans(tenant_id, before):
            await self._objects.delete(tenant_id, key)
            gone += 1
        return gone

    async def sweep_unclaimed(self, tenant_id: UUID, before: datetime) -> int:
        """Delete files from before then that no message claimed; returns how many.

        The row goes first: what a crash leaves is an orphan, which `sweep` finds.
        """
        gone = 0
        while keys := await self._attachments.delete_unclaimed(tenant_id, before, limit=AT_ONCE):
            for key in keys:
                await self._objects.delete(tenant_id, key)
            gone += len(keys)
        return gone

    async def _without_row(self, tenant_id: UUID, keys: list[str]) -> list[str]:
        known = await self._attachments.known_keys(tenant_id, keys) if keys else set()
        return [key for key in keys if key not in known]


def _judge(kind: FileType, received: Received) -> AttachmentStatus:
    head, tail = received.head(HEAD_BYTES), received.tail(TAIL_BYTES)
    if not kind.fits(head, tail):
        raise WrongType(f"the file is not what it says it is: {kind.name}")
    reason = suspicion(kind, head, tail)
    if reason is None:
        return AttachmentStatus.READY
    log.warning("file_quarantined", reason=reason, file_type=kind.name)
    return AttachmentStatus.QUARANTINED
