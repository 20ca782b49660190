"""What was said in a session, as operators read it: opened, with how its deliveries stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database import Database
from storage.errors import KeyMissing
from storage.keys import Vault
from storage.message_files import uploaded
from storage.messages import UNREADABLE, opened_text
from storage.records import ContentType, MessageStatus, Sender, UploadedFile
from storage.sealing import Sealer
from storage.statements import Statements

_END = 2**62


@dataclass(frozen=True, slots=True)
class Line:
    """One message of a transcript, opened if it was sealed.

    `operator` names who said what an `agent` said. `delivery` is `queued`, `sent` or `failed` where the message is
    delivered to its platform. A file that answered a sensitive ask is not among the `attachments`.
    """

    id: UUID
    seq: int
    sender: Sender
    operator: str | None
    content: str
    content_type: ContentType
    status: MessageStatus
    in_reply_to: UUID | None
    created_at: datetime
    delivery: str | None
    possible_duplicate: bool
    attachments: tuple[UploadedFile, ...] = ()


class Transcripts:
    """Reads the transcripts of a tenant's sessions. May raise Unavailable."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._sql = Statements("transcripts")

    async def read(
        self, tenant_id: UUID, session_id: UUID, *, before: int | None, after: int | None, limit: int
    ) -> list[Line] | None:
        """Up to `limit` messages in their order: those after the seq `after`, else the last ones before `before`.

        None when the tenant has no such session. What cannot be opened any more shows as `[unreadable]`.
        """
        async with self._database.tenant(tenant_id) as connection:
            user_id = await connection.fetchval(self._sql.user_of, tenant_id, session_id)
            if user_id is None:
                return None
            if after is not None:
                rows = await connection.fetch(self._sql.lines_after, tenant_id, session_id, after, limit)
            else:
                below = _END if before is None else before
                rows = await connection.fetch(self._sql.lines_before, tenant_id, session_id, below, limit)
                rows.reverse()
        return await self._open(tenant_id, user_id, rows)

    async def _open(self, tenant_id: UUID, user_id: UUID, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
        sealer = None
        if any(row["sealed"] is not None for row in rows):
            try:
                sealer = await self._vault.user_sealer(tenant_id, user_id)
            except KeyMissing:
                # Erased: what was sealed for this user is gone, the rest may be shown.
                sealer = None
        return [_line(row, sealer) for row in rows]


def _line(row: Mapping[str, Any], sealer: Sealer | None) -> Line:
    sender, content, kind = Sender(row["sender_type"]), row["content"], ContentType(row["content_type"])
    if row["sealed"] is not None:
        content = UNREADABLE if sealer is None else opened_text(sealer, row, sender)
    return Line(
        row["id"],
        row["seq"],
        sender,
        row["sender_id"] if sender is Sender.AGENT else None,
        content,
        kind,
        MessageStatus(row["status"]),
        row["in_reply_to"],
        row["created_at"],
        row["delivery"],
        bool(row["possible_duplicate"]),
        uploaded(row["files"]),
    )
