"""The audit log: who did, changed or read what. Append-only: the runtime's role can neither alter nor delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.ids import uuid7
from storage.records import Json
from storage.statements import Statements


class ActorKind(StrEnum):
    """By which way somebody came: the operators' API, a command, no person at all, or as a user of the bot."""

    OPERATOR = "operator"
    COMMAND = "command"
    SYSTEM = "system"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, in which tenant; `name` is an operator's, or `console`."""

    tenant_id: UUID
    kind: ActorKind
    name: str


@dataclass(frozen=True, slots=True)
class Audited:
    """One thing that was done. `detail` is small and holds nothing private: never what was said."""

    action: str
    session_id: UUID | None = None
    object_kind: str | None = None
    object_id: str | None = None
    detail: Mapping[str, Json] = field(default_factory=dict)


class AuditLog:
    """Appends to a tenant's audit log. May raise Unavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = Statements("audit_log")

    async def append(self, actor: Actor, audited: Audited) -> None:
        """Write it down; returning is the promise that it is on record."""
        async with self._database.tenant(actor.tenant_id) as connection:
            await connection.execute(
                self._sql.append,
                actor.tenant_id,
                uuid7(),
                actor.kind,
                actor.name,
                audited.action,
                audited.object_kind,
                audited.object_id,
                audited.session_id,
                dict(audited.detail),
                self._clock(),
            )
