"""The users who are one person: who they are, and what is parked in their sessions. Links are written by commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.keys import Vault
from storage.records import Json, Session, State
from storage.statements import Statements
from storage.turn_seal import TurnSeal

# As many as `linked_users` gives.
MOST_SELVES = 10


@dataclass(frozen=True, slots=True)
class StoredSelf:
    """A user; `remembered` counts the flags."""

    user_id: UUID
    platform: str
    external_id: str
    profile: Mapping[str, Json]
    remembered: int


@dataclass(frozen=True, slots=True)
class ParkedSession:
    """A session that waits, with its state opened."""

    session: Session
    state: State
    since: datetime


class Links:
    """Reads links. Every method may raise Unavailable."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._clock = clock
        self._sql = Statements("identity_links")

    async def linked(self, tenant_id: UUID, user_id: UUID) -> frozenset[UUID]:
        """The users who are one person with a user, and that user; at most ten."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.linked, tenant_id, user_id)
        return frozenset(row["user_id"] for row in rows)

    async def selves(self, tenant_id: UUID, user_ids: Collection[UUID]) -> Sequence[StoredSelf]:
        """These users, the oldest first."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.selves, tenant_id, list(user_ids))
        return [
            StoredSelf(row["id"], row["platform"], row["external_id"], row["profile"], row["remembered"])
            for row in rows
        ]

    async def known(self, tenant_id: UUID, platform: str, external_id: str) -> UUID | None:
        """The user whom a platform knows by an address."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.known, tenant_id, platform, external_id)
        return None if row is None else row["id"]

    async def parked(self, tenant_id: UUID, user_id: UUID) -> Sequence[ParkedSession]:
        """What is parked in idle sessions of the person's other users, the latest first.

        A state that cannot be opened says so in `damage`.
        """
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.parked, tenant_id, user_id, self._clock())
        return [await self._opened(tenant_id, row) for row in rows]

    async def standing(self, tenant_id: UUID, user_id: UUID) -> Sequence[ParkedSession]:
        """What a user has parked in open sessions, the latest first; `damage` as above."""
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.standing, tenant_id, user_id)
        return [await self._opened(tenant_id, row) for row in rows]

    async def _opened(self, tenant_id: UUID, row: Mapping[str, Any]) -> ParkedSession:
        session = Session(
            tenant_id,
            row["session_id"],
            row["user_id"],
            row["channel_id"],
            row["platform"],
            row["external_id"],
            row["thread_key"],
            row["locale"],
            row["profile"],
            linked=True,
        )
        return ParkedSession(session, await self._seal.open_state(session, row), row["updated_at"])
