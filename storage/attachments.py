"""The rows of files: whose they are, which message they belong to, where their bytes are, whether they may be read.

`file_url` holds the object's key (`storage/objects.py`), never an address: links are made when somebody needs one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import NotFound
from storage.ids import uuid7
from storage.objects import StoredObject
from storage.statements import Statements


class AttachmentStatus(StrEnum):
    """`pending`: not yet looked at. `quarantined`: kept, and shown to nobody."""

    PENDING = "pending"
    READY = "ready"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a person sent or a flow made. `sensitive`: a sensitive ask took it, so it has no name any more."""

    id: UUID
    user_id: UUID
    message_id: UUID | None
    file_name: str
    key: str
    file_type: str
    size_bytes: int
    sha256: bytes
    status: AttachmentStatus
    created_at: datetime
    sensitive: bool = False


class Attachments:
    """Writes and reads the rows; `storage/files.py` keeps them and their objects together."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("attachments")

    async def create(
        self,
        tenant_id: UUID,
        user_id: UUID,
        stored: StoredObject,
        *,
        file_name: str,
        file_type: str,
        status: AttachmentStatus = AttachmentStatus.PENDING,
        message_id: UUID | None = None,
    ) -> Attachment:
        """Write the row of an object that is stored already; `file_name` comes cleaned.

        Raises NotFound for an erased or unknown user, and for a message that is not that user's.
        """
        attachment_id = uuid7()
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(
                self._sql.add_attachment,
                tenant_id,
                attachment_id,
                user_id,
                file_name,
                stored.key,
                file_type,
                stored.size,
                stored.sha256,
                status,
                self._clock(),
            )
            if row is None:
                raise NotFound(f"there is no user {user_id} who could have a file")
            if message_id is not None:
                await self._claim(connection, tenant_id, user_id, message_id, [attachment_id])
                row = await connection.fetchrow(self._sql.load_attachment, tenant_id, attachment_id)
                assert row is not None
        return _attachment(row)

    async def claim(
        self, tenant_id: UUID, user_id: UUID, message_id: UUID, attachment_ids: Sequence[UUID]
    ) -> None:
        """Make these the files of a message of the same user, all of them or none; a repeat changes nothing.

        Raises NotFound when one of them is not there, is another user's or another message's.
        """
        async with self._database.tenant(tenant_id) as connection:
            await self._claim(connection, tenant_id, user_id, message_id, attachment_ids)

    async def load(self, tenant_id: UUID, attachment_id: UUID) -> Attachment:
        """Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.load_attachment, tenant_id, attachment_id)
        if row is None:
            raise NotFound(f"there is no file {attachment_id}")
        return _attachment(row)

    async def of_message(self, tenant_id: UUID, message_id: UUID) -> list[Attachment]:
        """A message's files, in its order."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.of_message, tenant_id, message_id)
        return [_attachment(row) for row in rows]

    async def settle(self, tenant_id: UUID, attachment_id: UUID, status: AttachmentStatus) -> None:
        """Say what looking at a pending file came to. Raises NotFound for one that is not pending."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.settle_attachment, tenant_id, attachment_id, status)
        if row is None:
            raise NotFound(f"there is no file {attachment_id} that waits to be looked at")

    async def delete(self, tenant_id: UUID, attachment_id: UUID) -> str:
        """Delete the row; returns the key of the object, which is the caller's to delete. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.delete_attachment, tenant_id, attachment_id)
        if row is None:
            raise NotFound(f"there is no file {attachment_id}")
        return str(row["file_url"])

    async def delete_unclaimed(self, tenant_id: UUID, before: datetime, *, limit: int) -> list[str]:
        """Delete up to `limit` rows from before then that no message ever claimed; returns their objects' keys."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.delete_unclaimed, tenant_id, before, limit)
        return [row["file_url"] for row in rows]

    async def count_unclaimed(self, tenant_id: UUID, user_id: UUID) -> int:
        """How many files of a user no message has claimed."""
        async with self._database.tenant(tenant_id) as connection:
            return int(await connection.fetchval(self._sql.count_unclaimed, tenant_id, user_id))

    async def known_keys(self, tenant_id: UUID, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that a row names."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.known_keys, tenant_id, keys)
        return {row["file_url"] for row in rows}

    async def _claim(
        self,
        connection: asyncpg.Connection[Any],
        tenant_id: UUID,
        user_id: UUID,
        message_id: UUID,
        attachment_ids: Sequence[UUID],
    ) -> None:
        wanted = set(attachment_ids)
        rows = await connection.fetch(
            self._sql.claim_attachments, tenant_id, user_id, message_id, list(wanted)
        )
        missing = wanted - {row["id"] for row in rows}
        if missing:
            raise NotFound(f"message {message_id} has no such files: {', '.join(map(str, sorted(missing)))}")


def _attachment(row: Mapping[str, Any]) -> Attachment:
    return Attachment(
        row["id"],
        row["user_id"],
        row["message_id"],
        row["file_name"] or "",
        row["file_url"],
        row["file_type"],
        row["size_bytes"],
        row["sha256"],
        AttachmentStatus(row["status"]),
        row["created_at"],
        row["sensitive"],
    )
