"""What is due, across tenants: the dispatcher's view of the lanes, queue columns only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database import Database
from storage.statements import Statements


@dataclass(frozen=True, slots=True)
class Depth:
    """What waits in all lanes, how long the longest due has waited, and the dead letters."""

    turns: int
    oldest_turn_s: float
    dead: int
    deliveries: int
    oldest_delivery_s: float


class Queue:
    """Finds lanes that nobody serves: what a lost wake-up or a dead worker left behind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = Statements("queue")

    async def due_turns(self, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """(tenant_id, session_id) of lanes with a due entry, the longest due first. Raises Unavailable."""
        return await self._due(self._sql.due_turns, limit)

    async def due_deliveries(self, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """(tenant_id, session_id) of lanes with a due delivery, the longest due first. Raises Unavailable."""
        return await self._due(self._sql.due_deliveries, limit)

    async def due_timers(self, now: datetime, limit: int) -> Sequence[tuple[UUID, UUID]]:
        """(tenant_id, session_id) of sessions with a timer due by `now`, the longest due first.

        Raises Unavailable.
        """
        return await self._due(self._sql.due_timers, now, limit)

    async def depth(self) -> Depth:
        """How full the lanes are. Raises Unavailable."""
        async with self._database.dispatch() as connection:
            row = await connection.fetchrow(self._sql.depth)
        assert row is not None
        return Depth(**row)

    async def _due(self, statement: str, *arguments: object) -> Sequence[tuple[UUID, UUID]]:
        async with self._database.dispatch() as connection:
            rows = await connection.fetch(statement, *arguments)
        return [(row["tenant_id"], row["session_id"]) for row in rows]
