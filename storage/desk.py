"""What operators do to sessions: taking one at once, and queueing what they say for its lane."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import KeyMissing, SealBroken, Unavailable
from storage.ids import uuid7
from storage.keys import Vault
from storage.turn_seal import TurnSeal

_ACCEPT = "select * from accept_operator($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"


class Handled(StrEnum):
    """What became of an operator's action; only an accepted one changes anything.

    `owned`: another operator has the session. `not_handed_over`: the bot has it already.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNKNOWN = "unknown"
    CLOSED = "closed"
    OWNED = "owned"
    NOT_HANDED_OVER = "not_handed_over"


class OperatorActions:
    """Writes them down. Every method may raise Unavailable."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._clock = clock

    async def take(self, tenant_id: UUID, session_id: UUID, by: str, *, force: bool) -> Handled:
        """Put the session into the hands of the operator `by`; nothing is queued."""
        row = await self._database.call(
            _ACCEPT, tenant_id, session_id, "take", by, force, None, None, None, None, self._clock()
        )
        return Handled(row["outcome"])

    async def queue(
        self,
        tenant_id: UUID,
        session_id: UUID,
        action: str,
        by: str,
        *,
        force: bool,
        key: str,
        text: str = "",
        resolved: bool | None = None,
    ) -> Handled:
        """Queue an action (`reply`, `resume`, `close`) once a `key`, and put the session into the operator's hands.

        A reply's text is sealed where the session takes sealed input.
        """
        entry_id = uuid7()
        payload: dict[str, Any] = {"action": action, "by": by}
        if text:
            payload["text"] = text
        if resolved is not None:
            payload["resolved"] = resolved
        arguments = (tenant_id, session_id, action, by, force, f"operator/{session_id}/{key}", entry_id)
        try:
            row = await self._database.call(_ACCEPT, *arguments, payload, None, self._clock())
        except asyncpg.PostgresError as error:
            if error.sqlstate != "PA001":
                raise
            try:
                user_id = UUID(error.detail)
                sealed = await self._seal.seal_event(tenant_id, user_id, entry_id, payload)
            except (KeyMissing, SealBroken) as broken:
                raise Unavailable(f"this conversation cannot be written to: {broken}") from broken
            row = await self._database.call(_ACCEPT, *arguments, None, sealed, self._clock())
        return Handled(row["outcome"])
