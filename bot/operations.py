"""What operators do and read, by the API or by a command: carried out, and on record.

An action is written to the audit log before it is carried out, so that nothing can be done without a trace. One that
came to nothing is followed by a second row, `<action>_void`, which says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from adapters.api.ports import Handling
from bot.approvals import ApprovalDoor
from bot.desk import Desk
from bot.events import EventDoor
from flows.errors import Unrecordable
from storage.approvals import ApprovalPage, ApprovalView, Decided, WantedApprovals
from storage.audit import Actor, Audited, AuditLog
from storage.desk import Handled
from storage.errors import Conflict, NotFound
from storage.events import Posted
from storage.operators import Admission, Operator, Operators, Role, check_admission, is_name
from storage.records import Json
from storage.session_views import Page, Place, SessionDetail, SessionViews, Wanted
from storage.transcripts import Line, Transcripts


class Operations:
    """The port of `adapters/api`, and what the commands of operators use."""

    def __init__(
        self,
        operators: Operators,
        audit: AuditLog,
        views: SessionViews,
        transcripts: Transcripts,
        desk: Desk,
        events: EventDoor,
        approvals: ApprovalDoor,
    ) -> None:
        self._operators = operators
        self._audit = audit
        self._views = views
        self._transcripts = transcripts
        self._desk = desk
        self._events = events
        self._approvals = approvals

    async def authenticate(self, token: str) -> Operator | None:
        """Whose good token it is."""
        return await self._operators.verify(token)

    async def sessions(self, by: Actor, wanted: Wanted, *, after: Place | None, limit: int) -> Page:
        """A page of the tenant's sessions."""
        return await self._views.page(by.tenant_id, wanted, after=after, limit=limit)

    async def session(self, by: Actor, session_id: UUID) -> SessionDetail | None:
        """One session; None when the tenant has none of this id."""
        found = await self._views.one(by.tenant_id, session_id)
        if found is not None:
            await self._audit.append(by, Audited("session.read", session_id))
        return found

    async def transcript(
        self, by: Actor, session_id: UUID, *, before: int | None, after: int | None, limit: int
    ) -> Sequence[Line] | None:
        """A piece of the transcript; on record where there was something to read."""
        lines = await self._transcripts.read(
            by.tenant_id, session_id, before=before, after=after, limit=limit
        )
        if lines:
            seen: Mapping[str, Json] = {"from": lines[0].seq, "to": lines[-1].seq}
            await self._audit.append(by, Audited("transcript.read", session_id, detail=seen))
        return lines

    async def take(self, by: Actor, session_id: UUID, *, force: bool) -> Handling:
        """Put the session into the operator's hands."""
        audited = await self._note(by, "take", session_id, force)
        outcome = await self._desk.take(by.tenant_id, session_id, by.name, force=force)
        return await self._handled(by, audited, session_id, outcome)

    async def reply(self, by: Actor, session_id: UUID, text: str, *, key: str, force: bool) -> Handling:
        """Say something, once a `key`."""
        audited = await self._note(by, "reply", session_id, force)
        outcome = await self._desk.reply(by.tenant_id, session_id, by.name, text, key=key, force=force)
        return await self._handled(by, audited, session_id, outcome)

    async def resume(self, by: Actor, session_id: UUID, *, key: str, force: bool) -> Handling:
        """Give the session back to the bot."""
        audited = await self._note(by, "resume", session_id, force)
        outcome = await self._desk.resume(by.tenant_id, session_id, by.name, key=key, force=force)
        return await self._handled(by, audited, session_id, outcome)

    async def close(
        self, by: Actor, session_id: UUID, *, resolved: bool | None, key: str, force: bool
    ) -> Handling:
        """End the session."""
        audited = await self._note(by, "close", session_id, force, resolved)
        outcome = await self._desk.close(
            by.tenant_id, session_id, by.name, resolved=resolved, key=key, force=force
        )
        return await self._handled(by, audited, session_id, outcome)

    async def send_event(self, by: Actor, session_id: UUID, name: str, value: Any, *, key: str) -> Posted:
        """Tell the session that something happened. Raises Unrecordable."""
        audited = Audited("session.event", session_id, "event", name)
        await self._audit.append(by, audited)
        try:
            posted = await self._events.send_event(by.tenant_id, session_id, name, value, key=key)
        except Unrecordable:
            await self._void(by, audited, "unrecordable")
            raise
        if posted is not Posted.ACCEPTED:
            await self._void(by, audited, posted)
        return posted

    async def approvals(
        self, by: Actor, wanted: WantedApprovals, *, after: Place | None, limit: int
    ) -> ApprovalPage:
        """A page of the tenant's approvals."""
        return await self._approvals.page(by, wanted, after=after, limit=limit)

    async def approval(self, by: Actor, approval_id: UUID) -> ApprovalView:
        """One approval. Raises NotFound."""
        return await self._approvals.show(by, approval_id)

    async def decide(
        self, by: Actor, approval_id: UUID, *, approve: bool, reason: str | None, shown_hash: bytes
    ) -> Decided:
        """Say yes or no to what has this hash."""
        return await self._approvals.decide(by, approval_id, approve, reason, shown_hash=shown_hash)

    async def operators(self, by: Actor) -> Sequence[Operator]:
        """All operators of the tenant."""
        return await self._operators.list_all(by.tenant_id)

    async def operator(self, tenant_id: UUID, name: str) -> Operator:
        """The operator of this name. Raises NotFound."""
        return await self._operators.load(tenant_id, name)

    async def admit(self, by: Actor, name: str, role: Role, life: timedelta | None) -> Admission:
        """Make an operator. Raises Invalid and Conflict."""
        check_admission(name, life)
        audited = Audited("operator.create", None, "operator", name, {"role": role.value})
        await self._audit.append(by, audited)
        try:
            return await self._operators.create(by.tenant_id, name, role, life=life)
        except Conflict:
            await self._void(by, audited, "conflict")
            raise

    async def revoke(self, by: Actor, name: str) -> Operator:
        """End an operator's token. Raises NotFound."""
        audited = Audited("operator.revoke", None, "operator", name if is_name(name) else None)
        await self._audit.append(by, audited)
        try:
            return await self._operators.revoke(by.tenant_id, name)
        except NotFound:
            await self._void(by, audited, "unknown")
            raise

    async def _note(
        self, by: Actor, what: str, session_id: UUID, force: bool, resolved: bool | None = None
    ) -> Audited:
        detail: dict[str, Json] = {"force": True} if force else {}
        if resolved is not None:
            detail["resolved"] = resolved
        audited = Audited(f"session.{what}", session_id, detail=detail)
        await self._audit.append(by, audited)
        return audited

    async def _handled(self, by: Actor, audited: Audited, session_id: UUID, outcome: Handled) -> Handling:
        if outcome is Handled.ACCEPTED:
            return Handling(outcome)
        await self._void(by, audited, outcome)
        found = await self._views.one(by.tenant_id, session_id) if outcome is Handled.OWNED else None
        return Handling(outcome, None if found is None else found.view.owner)

    async def _void(self, by: Actor, audited: Audited, outcome: str) -> None:
        await self._audit.append(
            by,
            Audited(
                f"{audited.action}_void",
                audited.session_id,
                audited.object_kind,
                audited.object_id,
                {"outcome": str(outcome)},
            ),
        )
