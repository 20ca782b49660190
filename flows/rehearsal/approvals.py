"""Approvals of one conversation, kept in memory with the rules that the database has for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from storage.approval_records import ApprovalStatus, Decision, NewApproval, WaitingApprovals


@dataclass(frozen=True, slots=True)
class Held:
    """One approval; `used_by` is the idempotency key of the call that it was used for."""

    approval: NewApproval
    decision: Decision
    used_by: str | None = None


Approvals: TypeAlias = dict[UUID, Held]
_SAID = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


def keep(held: Approvals, waiting: WaitingApprovals | None) -> None:
    """What a commit does: new ones are there, those that nothing waits for any more have expired."""
    if waiting is None:
        return
    for new in waiting.new:
        held.setdefault(new.id, Held(new, Decision(ApprovalStatus.PENDING)))
    for each, row in held.items():
        status = row.decision.status
        if each in waiting.void and status in (ApprovalStatus.PENDING, ApprovalStatus.APPROVED):
            ended = replace(row.decision, status=ApprovalStatus.EXPIRED, reason=waiting.void[each])
        elif status is ApprovalStatus.PENDING and each not in (
            *waiting.kept,
            *(new.id for new in waiting.new),
        ):
            ended = Decision(ApprovalStatus.EXPIRED, None, "withdrawn")
        else:
            continue
        held[each] = replace(row, decision=ended)


def settle(
    held: Approvals, approval_id: UUID, shown_hash: bytes, decision: Decision | None, now: datetime
) -> Decision:
    """Decide one, unless it is decided; what stands. A user may take back a word that nothing came of."""
    row = held.get(approval_id)
    if row is None or row.approval.shown_hash != shown_hash:
        return Decision(ApprovalStatus.EXPIRED)
    stands = row.decision
    if decision is not None and decision.status is not stands.status:
        late, wanted = row.approval.expires_at <= now, decision.status
        own = stands.status in _SAID and decision.by is not None and stands.by == decision.by
        if stands.status is ApprovalStatus.PENDING:
            stands = (
                Decision(ApprovalStatus.EXPIRED) if late or wanted is ApprovalStatus.EXPIRED else decision
            )
        elif (
            wanted is ApprovalStatus.EXPIRED and stands.status is ApprovalStatus.APPROVED and _is_user(stands)
        ):
            stands = replace(stands, status=wanted)
        elif own and (wanted is ApprovalStatus.REJECTED or not late):
            stands = decision
    held[approval_id] = replace(row, decision=stands)
    return replace(stands, used_by=row.used_by)


def use(held: Approvals, approval_id: UUID, shown_hash: bytes, key: str) -> bool:
    """Use one for a call; the same call may be begun again."""
    row = held.get(approval_id)
    if row is None or row.approval.shown_hash != shown_hash:
        return False
    match row.decision.status:
        case ApprovalStatus.APPROVED:
            used = replace(row.decision, status=ApprovalStatus.USED)
            held[approval_id] = replace(row, decision=used, used_by=key)
            return True
        case ApprovalStatus.USED:
            return row.used_by == key
        case _:
            return False


def may_decide(row: Held, operator: str) -> bool:
    """Whether an operator may decide it."""
    names = row.approval.by.operators
    return names is None or operator in names


def latest(held: Approvals) -> UUID | None:
    """The one that was asked for last and is not decided."""
    open_ones = [each for each, row in held.items() if row.decision.status is ApprovalStatus.PENDING]
    return open_ones[-1] if open_ones else None


def _is_user(decision: Decision) -> bool:
    return decision.by is not None and decision.by.startswith("user:")
