"""What the API needs of the runtime; the composition root hands in one that has it.

An operator's tenant is the token's: ids of another tenant are treated exactly like ids that do not exist. What is
done and read is on record before a method returns. Any method may raise `storage.errors.Unavailable`, answered with
503; anything that is not named is a defect and a 500.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from storage.approvals import ApprovalPage, ApprovalView, Decided, WantedApprovals
from storage.audit import Actor
from storage.desk import Handled
from storage.events import Posted
from storage.operators import Admission, Operator, Role
from storage.session_views import Page, Place, SessionDetail, Wanted
from storage.transcripts import Line


@dataclass(frozen=True, slots=True)
class Handling:
    """What became of an operator's action; `owner` is who has the session where it is `owned`."""

    outcome: Handled
    owner: str | None = None


class Operations(Protocol):
    async def authenticate(self, token: str) -> Operator | None:
        """Whose good token it is."""

    async def sessions(self, by: Actor, wanted: Wanted, *, after: Place | None, limit: int) -> Page:
        """A page of the tenant's sessions."""

    async def session(self, by: Actor, session_id: UUID) -> SessionDetail | None:
        """One session."""

    async def transcript(
        self, by: Actor, session_id: UUID, *, before: int | None, after: int | None, limit: int
    ) -> Sequence[Line] | None:
        """A piece of a session's transcript, in order."""

    async def take(self, by: Actor, session_id: UUID, *, force: bool) -> Handling:
        """Put the session into the operator's hands."""

    async def reply(self, by: Actor, session_id: UUID, text: str, *, key: str, force: bool) -> Handling:
        """Say something, once a `key`."""

    async def resume(self, by: Actor, session_id: UUID, *, key: str, force: bool) -> Handling:
        """Give the session back to the bot."""

    async def close(
        self, by: Actor, session_id: UUID, *, resolved: bool | None, key: str, force: bool
    ) -> Handling:
        """End the session."""

    async def send_event(self, by: Actor, session_id: UUID, name: str, value: Any, *, key: str) -> Posted:
        """Tell the session that something happened. Raises flows.errors.Unrecordable."""

    async def approvals(
        self, by: Actor, wanted: WantedApprovals, *, after: Place | None, limit: int
    ) -> ApprovalPage:
        """A page of the tenant's approvals, the newest first."""

    async def approval(self, by: Actor, approval_id: UUID) -> ApprovalView:
        """One approval. Raises storage.errors.NotFound."""

    async def decide(
        self, by: Actor, approval_id: UUID, *, approve: bool, reason: str | None, shown_hash: bytes
    ) -> Decided:
        """Say yes or no to what has this hash (32 bytes); the first who does counts."""

    async def operators(self, by: Actor) -> Sequence[Operator]:
        """All operators of the tenant."""

    async def admit(self, by: Actor, name: str, role: Role, life: timedelta | None) -> Admission:
        """Make an operator. Raises storage.errors.Invalid and Conflict."""

    async def revoke(self, by: Actor, name: str) -> Operator:
        """End an operator's token. Raises storage.errors.NotFound."""
