"""Timers: what moves a session at a time. Commits write them; here they go off, each once.

What is due is told by the process's clock, which tests move; leases go by the database's. Where the clocks of
workers differ, the one that is ahead fires.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.queue import Queue

_FIRE = "select fire_timers($1, $2, $3) as count"


class Timers:
    """The timers of all tenants, as a worker sees them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._queue = Queue(database)

    async def fire(self, tenant_id: UUID, session_id: UUID) -> int:
        """Queue the session's due timers as entries, once, in one transaction; returns how many.

        Raises Unavailable.
        """
        row = await self._database.call(_FIRE, tenant_id, session_id, self._clock())
        return int(row["count"])

    async def fire_due(self, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """Fire what is due in up to `limit` sessions; returns those that have something to do now.

        Raises Unavailable; what was fired then is found by those who look for due entries.
        """
        due = await self._queue.due_timers(self._clock(), limit)
        return [place for place in due if await self.fire(*place)]
