"""The approvals that a conversation waits for: what its commit makes of them, and decisions that come for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog

from flows.record import Frame
from storage.approval_records import NewApproval, WaitingApprovals
from storage.records import Entry

_log = structlog.get_logger("flows")


def awaited(frame: Frame) -> UUID | None:
    """The approval that a frame waits for."""
    waiting = frame.pending
    row = frame.rows.get(waiting.path) if waiting is not None and waiting.kind == "approve" else None
    return None if row is None else UUID(row.value["id"])


def awaits_any(frames: Sequence[Frame]) -> bool:
    return any(awaited(frame) is not None for frame in frames)


def approvals_of(
    frames: Sequence[Frame], made: Mapping[UUID, NewApproval], void: Mapping[UUID, str], *, earlier: bool
) -> WaitingApprovals | None:
    """All approvals that these frames wait for, so that those which nothing waits for any more can be ended.

    `made` and `void`: those of this turn; `earlier`: the session may have waited for one before it. None: nothing
    has to do with approvals.
    """
    waiting = [each for each in map(awaited, frames) if each is not None]
    if not waiting and not earlier:
        return None
    return WaitingApprovals(
        new=tuple(made[each] for each in waiting if each in made),
        kept=tuple(each for each in waiting if each not in made),
        void={each: reason for each, reason in void.items() if each not in waiting},
    )


def is_decided(entry: Entry, frames: Sequence[Frame]) -> bool:
    """Whether a decision is for the flow that talks; one for a flow below is seen when that talks again."""
    asked = entry.payload.get("approval") if isinstance(entry.payload, dict) else None
    waiting = [str(awaited(frame)) for frame in frames]
    if asked not in waiting:
        _log.warning("decision_dropped", entry=str(entry.id), frames=len(frames))
    return bool(waiting) and asked == waiting[-1]
