"""Where the sessions stand, for those who look on: counted, read, never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID

from storage.committing import REDACTED
from storage.database import Database
from storage.keys import Vault
from storage.message_files import uploaded
from storage.records import ContentType, MessageStatus, Sender, Session, State, StoredMessage
from storage.statements import Statements
from storage.turn_seal import TurnSeal

_PAGE = 200


class States:
    """The states of a tenant's open sessions."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._sql = Statements("conversation_state")

    async def waiting(self, tenant_id: UUID) -> Mapping[tuple[str, str], int]:
        """How many sessions wait, by flow and by the path of the verb at which they do."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.waiting, tenant_id)
        return {(row["flow"], row["state_name"]): row["sessions"] for row in rows}

    async def live(self, tenant_id: UUID) -> AsyncIterator[tuple[Session, State]]:
        """Every open session in which a flow is under way. A state that cannot be opened says so in `damage`."""
        after = UUID(int=0)
        while True:
            async with self._database.tenant(tenant_id) as connection:
                rows = await connection.fetch(self._sql.live, tenant_id, after, _PAGE)
            for row in rows:
                after = row["session_id"]
                session = _session(tenant_id, row)
                yield session, await self._seal.open_state(session, row)
            if len(rows) < _PAGE:
                return

    async def of_session(self, tenant_id: UUID, session_id: UUID) -> State | None:
        """A session's state; None when there is no such session."""
        found = await self.standing(tenant_id, session_id)
        return None if found is None else found[1]

    async def standing(self, tenant_id: UUID, session_id: UUID) -> tuple[Session, State] | None:
        """A session with its state, open or not; None when there is no such session."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.of_session, tenant_id, session_id)
        if row is None:
            return None
        session = _session(tenant_id, row)
        return session, await self._seal.open_state(session, row)

    async def said(self, tenant_id: UUID, session_id: UUID) -> list[StoredMessage]:
        """What was said in a session, in order; what is sealed shows as `[sensitive]`."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.said, tenant_id, session_id)
        return [
            StoredMessage(
                row["id"],
                row["session_id"],
                row["user_id"],
                row["seq"],
                row["change"] or 0,
                row["created_change"] or 0,
                Sender(row["sender_type"]),
                REDACTED if row["is_sealed"] else row["content"],
                ContentType.TEXT if row["is_sealed"] else ContentType(row["content_type"]),
                MessageStatus(row["status"]),
                row["in_reply_to"],
                row["created_at"],
                uploaded(row["files"]),
            )
            for row in rows
        ]


def _session(tenant_id: UUID, row: Mapping[str, Any]) -> Session:
    return Session(
        tenant_id,
        row["session_id"],
        row["user_id"],
        row["channel_id"],
        row["platform"],
        row["external_id"],
        row["thread_key"],
        row["locale"],
        row["profile"],
    )
