"""Approvals as they cross the border of `storage`: asked for, waited for, decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ApprovalStatus(StrEnum):
    """`used`: it was given, and what was approved has been begun. `expired`: also what is void for another reason."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who may decide an approval: the one who talks, and these operators; `operators` None: any of them."""

    the_asker: bool
    operators: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What an approval comes to; `by` is `user:<id>` or `operator:<name>`, None where nobody decided.

    `used_by`: the idempotency key of the call that has been begun with it.
    """

    status: ApprovalStatus
    by: str | None = None
    reason: str | None = None
    used_by: str | None = None


@dataclass(frozen=True, slots=True)
class NewApproval:
    """Something that somebody must say yes to before it is done: `action` by name, as it was `shown`.

    `shown_hash` (32 bytes) binds a decision to exactly that. A `sensitive` one is sealed.
    """

    id: UUID
    flow: str
    action: str
    shown: str
    shown_hash: bytes
    by: Approvers
    expires_at: datetime
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class WaitingApprovals:
    """All approvals that a session waits for from now on; what else of it is undecided has expired.

    `void` are those that no longer count, also if they were approved meanwhile, each with the reason.
    """

    new: tuple[NewApproval, ...] = ()
    kept: tuple[UUID, ...] = ()
    void: Mapping[UUID, str] = field(default_factory=dict)
