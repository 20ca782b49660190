"""Reading the transcript: history, what changed since a point, one reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from storage.clock import Clock
from storage.database import Database
from storage.errors import SealBroken
from storage.ids import uuid7
from storage.keys import Vault
from storage.message_files import uploaded
from storage.records import ContentType, MessageStatus, Sender, StoredMessage
from storage.sealing import Sealer
from storage.statements import Statements

UNREADABLE = "[unreadable]"

# A function in `migrations/versions/0002_turns.sql`: clients ask for it often, so it is one round trip.
_READ_REPLY = "select * from read_reply($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True)
class ReplyState:
    """A reply that a client polls for: the message once there is one, and the further replies' ids."""

    status: MessageStatus
    message: StoredMessage | None
    more: tuple[UUID, ...]
    reason: str | None


class Messages:
    """The messages of one user on one channel, as that user may see them."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._sql = Statements("messages")
        self._sessions = Statements("sessions")

    async def history(
        self, tenant_id: UUID, channel_id: UUID, user_id: UUID, *, before: UUID | None, limit: int
    ) -> list[StoredMessage] | None:
        """Up to `limit` messages before the message `before` (or the newest), newest last, over all sessions.

        None when `before` is not one of this user's.
        """
        async with self._database.tenant(tenant_id) as connection:
            sessions = [
                row["id"]
                for row in await connection.fetch(self._sessions.of_user, tenant_id, user_id, channel_id)
            ]
            below = 2**62
            if before is not None:
                row = await connection.fetchrow(self._sql.one, tenant_id, before, channel_id, user_id)
                if row is None or row["seq"] is None:
                    return None
                sessions = sessions[: sessions.index(row["session_id"]) + 1]
                below = row["seq"]
            rows: list[asyncpg.Record] = []
            for session_id in reversed(sessions):
                wanted = limit - len(rows)
                rows += await connection.fetch(
                    self._sql.last_of_session, tenant_id, session_id, below, wanted
                )
                below = 2**62
                if len(rows) >= limit:
                    break
        return await self._open(tenant_id, user_id, rows[::-1])

    async def since(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        user_id: UUID,
        *,
        session_id: UUID | None,
        change: int,
        limit: int,
    ) -> list[StoredMessage] | None:
        """What a client missed after `change` of `session_id` (None: from the first session on), in order.

        Later sessions follow from their beginning, `limit` messages in all; None when the session is not
        one of this user's.
        """
        async with self._database.tenant(tenant_id) as connection:
            sessions = [
                row["id"]
                for row in await connection.fetch(self._sessions.of_user, tenant_id, user_id, channel_id)
            ]
            if session_id is not None:
                if session_id not in sessions:
                    return None
                sessions = sessions[sessions.index(session_id) :]
            rows: list[asyncpg.Record] = []
            for each in sessions:
                rows += await connection.fetch(
                    self._sql.changed_since, tenant_id, each, change, limit - len(rows)
                )
                change = 0
                if len(rows) >= limit:
                    break
        return await self._open(tenant_id, user_id, rows)

    async def reply(
        self, tenant_id: UUID, channel_id: UUID, user_id: UUID, reply_id: UUID
    ) -> ReplyState | None:
        """The state of a reply of this user; None when there is no such message of theirs."""
        row = await self._database.call(_READ_REPLY, tenant_id, channel_id, user_id, reply_id)
        if row["id"] is None:
            return None
        message = None
        if row["seq"] is not None:
            [message] = await self._open(tenant_id, user_id, [row])
        return ReplyState(MessageStatus(row["status"]), message, tuple(row["more"]), row["reason"])

    async def rate(
        self, tenant_id: UUID, channel_id: UUID, user_id: UUID, message_id: UUID, value: int
    ) -> bool:
        """Keep the user's feedback on a bot's message; False when there is no such message for them."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.one, tenant_id, message_id, channel_id, user_id)
            if row is None or row["seq"] is None or row["sender_type"] == Sender.USER:
                return False
            await connection.execute(
                self._sql.rate, tenant_id, uuid7(), message_id, user_id, value, self._clock()
            )
        return True

    async def _open(
        self, tenant_id: UUID, user_id: UUID, rows: Sequence[Mapping[str, Any]]
    ) -> list[StoredMessage]:
        sealer = None
        if any(row["sealed"] is not None for row in rows):
            sealer = await self._vault.user_sealer(tenant_id, user_id)
        messages = []
        for row in rows:
            content, sender = row["content"], Sender(row["sender_type"])
            if sealer is not None and row["sealed"] is not None:
                content = opened_text(sealer, row, sender)
            messages.append(
                StoredMessage(
                    row["id"],
                    row["session_id"],
                    user_id,
                    row["seq"],
                    row["change"] or 0,
                    row["created_change"] or 0,
                    sender,
                    content,
                    ContentType(row["content_type"]),
                    MessageStatus(row["status"]),
                    row["in_reply_to"],
                    row["created_at"],
                    uploaded(row["files"]),
                )
            )
        return messages


def opened_text(sealer: Sealer, row: Mapping[str, Any], sender: Sender) -> str:
    """The sealed text; one that was altered must not keep a person from all that was said before and after."""
    try:
        opened = sealer.open("messages", "content", row["id"], row["sealed"])
    except SealBroken:
        return UNREADABLE
    # A person's sealed input holds its payload too; a bot's reply is the text alone.
    return str(orjson.loads(opened)["content"]) if sender is Sender.USER else opened.decode()
