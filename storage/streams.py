"""Replies that are shown in lasting messages while they are written: their rows, before and after each call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.records import Turn
from storage.statements import Statements

_OPEN = "select * from open_stream($1, $2, $3, $4, $5, $6, $7, $8, $9)"


class Opening(StrEnum):
    """Whether a message may be opened for a reply.

    BEGUN: it is on record that it is tried now. NAMED: go on with what an earlier attempt opened. UNKNOWN: what became
    of an earlier try is not known, so there must be no other. BEHIND: earlier replies are to be sent first. LOST: the
    turn is not ours any more, or over.
    """

    BEGUN = "begun"
    NAMED = "named"
    UNKNOWN = "unknown"
    BEHIND = "behind"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Opened:
    """`external_id` is what the platform calls the messages that are there, as `Receipt.external_id` does."""

    opening: Opening
    external_id: str | None


class Streams:
    """Written around each message that is opened on a platform. Every method may raise Unavailable.

    After `begin` the platform is called, then `name` or `refused`; a process that dies in between leaves a try that
    `Outbox.claim` tells of as an answer that was lost.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("streams")

    async def begin(self, turn: Turn, message_id: UUID, known: str | None) -> Opened:
        """Put on record that a message is opened now for the reply; `known` are those that the caller knows of."""
        session, entry = turn.session, turn.entry
        row = await self._database.call(
            _OPEN,
            session.tenant_id,
            session.id,
            turn.token,
            entry.id,
            entry.message_id,
            message_id,
            known,
            session.external_user_id,
            self._clock(),
        )
        return Opened(Opening(row["outcome"]), row["external_id"])

    async def name(self, tenant_id: UUID, message_id: UUID, known: str | None, external_id: str) -> None:
        """What was opened is called so, with those before it that were `known`."""
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._sql.name, tenant_id, message_id, known, external_id)

    async def refused(self, tenant_id: UUID, message_id: UUID) -> None:
        """The platform did not open one, for certain."""
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._sql.refused, tenant_id, message_id)
