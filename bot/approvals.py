"""The door for operators' decisions: what they may see, and their yes or no to exactly that; all of it on record."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from storage.approvals import ApprovalPage, Approvals, ApprovalView, Decided, WantedApprovals
from storage.audit import Actor, Audited, AuditLog
from storage.errors import NotFound
from storage.session_views import Place


class ApprovalDoor:
    """Shows approvals and takes decisions; `wake` has whoever works look at the session. All may raise Unavailable."""

    def __init__(self, approvals: Approvals, audit: AuditLog, wake: Callable[[UUID, UUID], None]) -> None:
        self._approvals = approvals
        self._audit = audit
        self._wake = wake

    async def page(
        self, by: Actor, wanted: WantedApprovals, *, after: Place | None, limit: int
    ) -> ApprovalPage:
        """A page of the tenant's, the newest first."""
        return await self._approvals.page(by.tenant_id, wanted, after=after, limit=limit)

    async def show(self, by: Actor, approval_id: UUID) -> ApprovalView:
        """One approval. Raises NotFound."""
        view = await self._approvals.load(by.tenant_id, approval_id)
        await self._audit.append(by, Audited("approval.read", view.session_id, "approval", str(approval_id)))
        return view

    async def decide(
        self, by: Actor, approval_id: UUID, approve: bool, reason: str | None = None, *, shown_hash: bytes
    ) -> Decided:
        """An operator's yes or no to what has this hash (32 bytes), once; accepted is the promise that it counts.

        That it was tried is on record before it is done; what came to nothing is followed by a row that says why.
        """
        try:
            session_id = (await self._approvals.load(by.tenant_id, approval_id)).session_id
        except NotFound:
            session_id = None
        place = (session_id, "approval", str(approval_id))
        await self._audit.append(by, Audited("approval.decide", *place, {"approve": approve}))
        decided, session_id = await self._approvals.decide(
            by.tenant_id, approval_id, by.name, approve=approve, reason=reason, shown_hash=shown_hash
        )
        if decided is not Decided.ACCEPTED:
            await self._audit.append(by, Audited("approval.decide_void", *place, {"outcome": decided.value}))
        if decided in (Decided.ACCEPTED, Decided.DUPLICATE) and session_id is not None:
            self._wake(by.tenant_id, session_id)
        return decided
