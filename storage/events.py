"""Named events for sessions, from an API call, another session or a job: stored once, answered by a turn."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import KeyMissing, SealBroken, Unavailable
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import Json
from storage.turn_seal import TurnSeal

_ACCEPT = "select accept_event($1, $2, $3, $4, $5, $6, $7) as outcome"


class Posted(StrEnum):
    """What became of an event; only an accepted one is new."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Events:
    """Queues events in the lanes of sessions."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._clock = clock

    async def post(self, tenant_id: UUID, session_id: UUID, name: str, value: Json, *, key: str) -> Posted:
        """Queue an event unless one with the same key was queued for the session before.

        `value` is as `flows.values.encode` gives it. Raises Unavailable.
        """
        entry_id, payload = uuid7(), {"name": name, "value": value}
        taken = f"event/{session_id}/{key}"
        arguments = (tenant_id, session_id, taken, entry_id)
        try:
            return await self._post(*arguments, payload, None)
        except asyncpg.PostgresError as error:
            if error.sqlstate != "PA001":
                raise
            user_id = UUID((error.detail or "").partition("/")[0])
        try:
            sealed = await self._seal.seal_event(tenant_id, user_id, entry_id, payload)
        except (KeyMissing, SealBroken) as error:
            raise Unavailable(f"this conversation cannot be written to: {error}") from error
        return await self._post(*arguments, None, sealed)

    async def _post(
        self, tenant_id: UUID, session_id: UUID, key: str, entry_id: UUID, payload: Json, sealed: bytes | None
    ) -> Posted:
        row = await self._database.call(
            _ACCEPT, tenant_id, session_id, key, entry_id, payload, sealed, self._clock()
        )
        return Posted(row["outcome"])
