"""Users and sessions apart from turns: opening one, Stop, and closing what has fallen silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.channels import idle_time
from storage.clock import Clock
from storage.database import Database
from storage.ids import uuid7
from storage.records import Channel, Sighting
from storage.statements import Statements


class Sessions:
    """The sessions of a tenant."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("sessions")

    async def find_user(self, channel: Channel, external_id: str) -> UUID | None:
        """The user whom the channel's platform knows by `external_id`."""
        async with self._database.tenant(channel.tenant_id) as connection:
            row = await connection.fetchrow(
                self._sql.find_user, channel.tenant_id, channel.platform, external_id
            )
        return None if row is None else row["id"]

    async def open(self, channel: Channel, user: Sighting, thread_key: str = "") -> tuple[UUID, UUID]:
        """Find or open the user's session; returns (user_id, session_id)."""
        now = self._clock()
        tenant_id = channel.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(
                self._sql.add_user,
                tenant_id,
                uuid7(),
                channel.platform,
                user.external_id,
                user.locale,
                dict(user.profile),
                now,
            )
            found = await connection.fetchrow(
                self._sql.find_user, tenant_id, channel.platform, user.external_id
            )
            assert found is not None
            user_id: UUID = found["id"]
            await connection.execute(self._sql.close_stale, tenant_id, channel.id, thread_key, user_id, now)
            await connection.execute(
                self._sql.open,
                tenant_id,
                uuid7(),
                user_id,
                channel.id,
                channel.platform,
                thread_key,
                now,
                idle_time(channel),
            )
            session = await connection.fetchrow(
                self._sql.find_open, tenant_id, channel.id, thread_key, user_id
            )
            assert session is not None
            return user_id, session["id"]

    async def raise_cancel(self, channel: Channel, user_id: UUID) -> Sequence[tuple[UUID, int]]:
        """Stop: returns the sessions stopped and the new number of their Stop."""
        async with self._database.tenant(channel.tenant_id) as connection:
            rows = await connection.fetch(self._sql.raise_cancel, channel.tenant_id, channel.id, user_id)
        return [(row["id"], row["cancel_seq"]) for row in rows]

    async def close_silent(self, tenant_id: UUID) -> int:
        """Close the tenant's sessions whose time of silence is over; returns how many."""
        now = self._clock()
        closed = 0
        while True:
            async with self._database.tenant(tenant_id) as connection:
                rows = await connection.fetch(self._sql.lock_silent, tenant_id, now)
                if not rows:
                    return closed
                ids = [row["id"] for row in rows]
                closed += len(await connection.fetch(self._sql.close, tenant_id, ids, now))

    async def forget_keys(self, tenant_id: UUID, before: datetime) -> int:
        """Drop dedupe keys accepted before a time, at least seven days ago; returns how many."""
        async with self._database.tenant(tenant_id) as connection:
            done = await connection.execute(self._sql.forget_keys, tenant_id, before)
        return int(done.removeprefix("DELETE "))
