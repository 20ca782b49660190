"""What an approval keeps sealed where its flow has secrets: what was shown, and why it was decided so."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from storage.approval_records import NewApproval, WaitingApprovals
from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.records import Session

UNREADABLE = "[cannot be opened]"


class ApprovalSeal:
    """Seals with the key of the user who was asked for it. What seals raises KeyMissing and Unavailable."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def reason(self, tenant_id: UUID, user_id: UUID, approval_id: UUID, reason: str) -> bytes:
        """The reason of a decision."""
        sealer = await self._vault.user_sealer(tenant_id, user_id)
        return sealer.seal("approvals", "reason", approval_id, reason.encode())

    async def open_reason(
        self, tenant_id: UUID, user_id: UUID, approval_id: UUID, reason: str | None, sealed: bytes | None
    ) -> str | None:
        """The reason, plain or opened."""
        if sealed is None:
            return reason
        return await self._open(tenant_id, user_id, approval_id, "reason", sealed)

    async def open_shown(
        self, tenant_id: UUID, user_id: UUID, approval_id: UUID, shown: str, sealed: bytes | None
    ) -> str:
        """What was shown, plain or opened."""
        if sealed is None:
            return shown
        return await self._open(tenant_id, user_id, approval_id, "shown", sealed)

    async def written(self, session: Session, waiting: WaitingApprovals) -> dict[str, Any]:
        """What a session waits for, as the JSON that `keep_approvals` takes."""
        return {
            "new": [await self._new(session, each) for each in waiting.new],
            "kept": [str(each) for each in waiting.kept],
            "void": {str(each): reason for each, reason in waiting.void.items()},
        }

    async def _new(self, session: Session, new: NewApproval) -> dict[str, Any]:
        written: dict[str, Any] = {
            "id": str(new.id),
            "flow": new.flow,
            "action": new.action,
            "hash": base64.b64encode(new.shown_hash).decode(),
            "asker": new.by.the_asker,
            "operators": None if new.by.operators is None else list(new.by.operators),
            "until": new.expires_at.isoformat(),
        }
        if new.sensitive:
            sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
            sealed = sealer.seal("approvals", "shown", new.id, new.shown.encode())
            written["sealed"] = base64.b64encode(sealed).decode()
        else:
            written["shown"] = new.shown
        return written

    async def _open(
        self, tenant_id: UUID, user_id: UUID, approval_id: UUID, column: str, sealed: bytes
    ) -> str:
        try:
            sealer = await self._vault.user_sealer(tenant_id, user_id)
            return sealer.open("approvals", column, approval_id, sealed).decode()
        except (SealBroken, KeyMissing):
            return UNREADABLE
