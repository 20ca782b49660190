"""Approvals: decided once, by the person in the chat or an operator, and used once. Commits ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from storage.approval_records import ApprovalStatus, Approvers, Decision
from storage.approval_seal import ApprovalSeal
from storage.clock import Clock
from storage.database import Database
from storage.errors import KeyMissing, NotFound, SealBroken, Unavailable
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import Session
from storage.session_views import Place
from storage.statements import Statements

_SETTLE = "select * from settle_approval($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_USE = "select use_approval($1, $2, $3, $4, $5, $6) as used"
_ACCEPT = "select * from accept_decision($1, $2, $3, $4, $5, $6, $7, $8, $9)"


class Decided(StrEnum):
    """What became of an operator's decision; only an accepted one counts.

    `duplicate`: the same operator said the same before. `decided`: somebody else was first. `changed`: it is about
    something else than what was shown.
    """

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    DECIDED = "decided"
    EXPIRED = "expired"
    CHANGED = "changed"
    NOT_ALLOWED = "not_allowed"
    CLOSED = "closed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval as operators see it: `action` names the function that is called, `shown` is what was shown."""

    id: UUID
    session_id: UUID
    user_id: UUID
    flow: str
    action: str
    shown: str = field(repr=False)
    shown_hash: bytes
    by: Approvers
    decision: Decision
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class WantedApprovals:
    """What a list is narrowed to; `pending` are those that can still be decided."""

    status: ApprovalStatus | None = None
    session_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """Some approvals of a list; `end` is where the next page goes on, None where there is none."""

    approvals: tuple[ApprovalView, ...]
    end: Place | None


class Approvals:
    """The approvals of a tenant. Every method may raise Unavailable."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._seal = ApprovalSeal(vault)
        self._clock = clock
        self._sql = Statements("approvals")

    async def settle(
        self,
        session: Session,
        approval_id: UUID,
        shown_hash: bytes,
        decision: Decision | None,
        *,
        sensitive: bool,
    ) -> Decision:
        """Decide an approval of a session, unless somebody else has; None only looks. What stands from now on."""
        tenant_id, user_id = session.tenant_id, session.user_id
        wanted = Decision(ApprovalStatus.PENDING) if decision is None else decision
        reason, sealed = wanted.reason, None
        if reason is not None and sensitive:
            sealed = await self._seal.reason(tenant_id, user_id, approval_id, reason)
            reason = None
        row = await self._database.call(
            _SETTLE,
            tenant_id,
            session.id,
            approval_id,
            shown_hash,
            None if decision is None else wanted.status,
            wanted.by,
            reason,
            sealed,
            self._clock(),
        )
        stands = await self._decision(tenant_id, user_id, approval_id, row)
        return replace(stands, used_by=row["used_by"])

    async def use(self, session: Session, approval_id: UUID, shown_hash: bytes, key: str) -> bool:
        """Use an approval for the call with this idempotency key; False unless it is approved and no other's."""
        row = await self._database.call(
            _USE, session.tenant_id, session.id, approval_id, shown_hash, key, self._clock()
        )
        return bool(row["used"])

    async def decide(
        self,
        tenant_id: UUID,
        approval_id: UUID,
        operator: str,
        *,
        approve: bool,
        reason: str | None,
        shown_hash: bytes,
    ) -> tuple[Decided, UUID | None]:
        """Take an operator's decision about exactly what has this hash, and queue it; with the session's id."""
        found = await self._row(tenant_id, approval_id)
        if found is None:
            return Decided.UNKNOWN, None
        sealed = None
        if reason is not None and found["sealed"] is not None:
            try:
                sealed = await self._seal.reason(tenant_id, found["user_id"], approval_id, reason)
            except (KeyMissing, SealBroken) as error:
                raise Unavailable(f"this conversation cannot be written to: {error}") from error
            reason = None
        row = await self._database.call(
            _ACCEPT,
            tenant_id,
            approval_id,
            uuid7(),
            operator,
            approve,
            reason,
            sealed,
            shown_hash,
            self._clock(),
        )
        return Decided(row["outcome"]), row["session_id"]

    async def page(
        self, tenant_id: UUID, wanted: WantedApprovals, *, after: Place | None, limit: int
    ) -> ApprovalPage:
        """Up to `limit` approvals behind `after`, the newest first."""
        arguments: list[Any] = [
            tenant_id,
            wanted.session_id,
            self._clock(),
            None if after is None else after.at,
            None if after is None else after.id,
            limit + 1,
        ]
        if wanted.status is ApprovalStatus.PENDING:
            statement = self._sql.pending_approvals
        else:
            statement = self._sql.list_approvals
            arguments.append(wanted.status)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(statement, *arguments)
        shown = rows[:limit]
        end = Place(shown[-1]["created_at"], shown[-1]["id"]) if len(rows) > limit else None
        return ApprovalPage(tuple([await self._view(tenant_id, row) for row in shown]), end)

    async def load(self, tenant_id: UUID, approval_id: UUID) -> ApprovalView:
        """One approval. Raises NotFound."""
        row = await self._row(tenant_id, approval_id)
        if row is None:
            raise NotFound(
                f"there is no approval {approval_id}; `parley approvals list` shows those there are"
            )
        return await self._view(tenant_id, row)

    async def _row(self, tenant_id: UUID, approval_id: UUID) -> Mapping[str, Any] | None:
        async with self._database.tenant(tenant_id) as connection:
            row: Mapping[str, Any] | None = await connection.fetchrow(
                self._sql.load_approval, tenant_id, approval_id, self._clock()
            )
        return row

    async def _view(self, tenant_id: UUID, row: Mapping[str, Any]) -> ApprovalView:
        names = row["by_operators"]
        return ApprovalView(
            row["id"],
            row["session_id"],
            row["user_id"],
            row["flow"],
            row["action"],
            await self._seal.open_shown(tenant_id, row["user_id"], row["id"], row["shown"], row["sealed"]),
            row["shown_hash"],
            Approvers(row["by_asker"], None if names is None else tuple(names)),
            await self._decision(tenant_id, row["user_id"], row["id"], row),
            row["created_at"],
            row["expires_at"],
            row["decided_at"],
            row["used_at"],
        )

    async def _decision(
        self, tenant_id: UUID, user_id: UUID, approval_id: UUID, row: Mapping[str, Any]
    ) -> Decision:
        reason = await self._seal.open_reason(
            tenant_id, user_id, approval_id, row["reason"], row["sealed_reason"]
        )
        return Decision(ApprovalStatus(row["status"]), row["decided_by"], reason)
