"""A tenant's operations in memory: what the API adapter is tested against. What it was asked for is in `done`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from adapters.api.ports import Handling
from flows.values import encode
from storage.approval_records import ApprovalStatus, Approvers, Decision
from storage.approvals import ApprovalPage, ApprovalView, Decided, WantedApprovals
from storage.audit import Actor
from storage.desk import Handled
from storage.errors import Conflict, NotFound, Unavailable
from storage.events import Posted
from storage.ids import uuid7
from storage.operators import Admission, Operator, Role
from storage.records import ContentType, MessageStatus, Sender, UploadedFile
from storage.session_views import Page, Place, SessionDetail, SessionView, Trouble, Wanted
from storage.transcripts import Line

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TENANT = UUID("01900000-0000-7000-8000-00000000000a")
FILE = UUID("01900000-0000-7000-8000-0000000000f1")
SESSION = UUID("01900000-0000-7000-8000-000000000001")
APPROVAL = UUID("01900000-0000-7000-8000-0000000000a1")
HASH = bytes(range(32))


def file_url(tenant_id: UUID, attachment_id: UUID) -> str:
    return f"/files/{tenant_id}-{attachment_id}"


def operator(name: str, role: Role) -> Operator:
    return Operator(TENANT, uuid7(), name, role, NOW, None, None, None)


def view(**more: Any) -> SessionView:
    shown: dict[str, Any] = {
        "id": SESSION,
        "status": "handoff",
        "platform": "web",
        "channel_id": uuid7(),
        "account": "shop",
        "thread_key": "",
        "user_id": uuid7(),
        "external_user_id": "visitor:x",
        "locale": None,
        "profile": {"name": "Ada"},
        "started_at": NOW,
        "last_active_at": NOW,
        "ended_at": None,
        "end_reason": None,
        "owner": "zoe",
        "handed_over_at": NOW,
        "reason": "asked for a person",
        "resolved": None,
        "messages": 2,
        "flow": "order",
        "flow_version": "1",
        "state_name": "size#0",
    }
    return SessionView(**(shown | more))


def line(seq: int, content: str = "hello", **more: Any) -> Line:
    shown: dict[str, Any] = {
        "id": uuid7(),
        "seq": seq,
        "sender": Sender.USER,
        "operator": None,
        "content": content,
        "content_type": ContentType.TEXT,
        "status": MessageStatus.COMPLETED,
        "in_reply_to": None,
        "created_at": NOW,
        "delivery": None,
        "possible_duplicate": False,
    }
    return Line(**(shown | more))


def approval(**more: Any) -> ApprovalView:
    shown: dict[str, Any] = {
        "id": APPROVAL,
        "session_id": SESSION,
        "user_id": uuid7(),
        "flow": "pay",
        "action": "paying.send",
        "shown": "Send €40.00\nto Ada",
        "shown_hash": HASH,
        "by": Approvers(False, None),
        "decision": Decision(ApprovalStatus.PENDING),
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
        "decided_at": None,
        "used_at": None,
    }
    return ApprovalView(**(shown | more))


class DeskRehearsal:
    """`outcome`, `owner`, `posted` and `decided` are what actions come to; `away`: Postgres cannot be reached."""

    def __init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []
        self.people = {f"{role}-token": operator(f"a-{role}", role) for role in Role}
        self.outcome = Handled.ACCEPTED
        self.owner: str | None = None
        self.posted = Posted.ACCEPTED
        self.decided = Decided.ACCEPTED
        self.away = False
        self.lines: list[Line] = [
            line(1, attachments=(UploadedFile(FILE, "crack.png", "image/png", 5),)),
            line(2, "hi", sender=Sender.AGENT, operator="zoe", delivery="sent"),
        ]
        self.troubles = (Trouble(uuid7(), "failed", False, "blocked", NOW),)
        self.end: Place | None = None
        self.asked = (
            approval(),
            approval(
                by=Approvers(True, ("ann", "bob")),
                decision=Decision(ApprovalStatus.USED, "operator:ann", "it is fine"),
                decided_at=NOW,
                used_at=NOW,
            ),
        )

    async def authenticate(self, token: str) -> Operator | None:
        self._reach()
        return self.people.get(token)

    async def sessions(self, by: Actor, wanted: Wanted, *, after: Place | None, limit: int) -> Page:
        self.done.append(("sessions", wanted, after, limit))
        return Page((view(), view(owner=None, status="active", handed_over_at=None)), self.end)

    async def session(self, by: Actor, session_id: UUID) -> SessionDetail | None:
        return SessionDetail(view(), self.troubles, 1) if session_id == SESSION else None

    async def transcript(
        self, by: Actor, session_id: UUID, *, before: int | None, after: int | None, limit: int
    ) -> Sequence[Line] | None:
        self.done.append(("transcript", before, after, limit))
        return self.lines if session_id == SESSION else None

    async def take(self, by: Actor, session_id: UUID, *, force: bool) -> Handling:
        return self._handle("take", by, session_id, force)

    async def reply(self, by: Actor, session_id: UUID, text: str, *, key: str, force: bool) -> Handling:
        return self._handle("reply", by, session_id, text, key, force)

    async def resume(self, by: Actor, session_id: UUID, *, key: str, force: bool) -> Handling:
        return self._handle("resume", by, session_id, key, force)

    async def close(
        self, by: Actor, session_id: UUID, *, resolved: bool | None, key: str, force: bool
    ) -> Handling:
        return self._handle("close", by, session_id, resolved, key, force)

    async def send_event(self, by: Actor, session_id: UUID, name: str, value: Any, *, key: str) -> Posted:
        self.done.append(("event", by.name, name, encode(value, "event"), key))
        return self.posted if session_id == SESSION else Posted.UNKNOWN

    async def approvals(
        self, by: Actor, wanted: WantedApprovals, *, after: Place | None, limit: int
    ) -> ApprovalPage:
        self.done.append(("approvals", wanted, after, limit))
        return ApprovalPage(self.asked, self.end)

    async def approval(self, by: Actor, approval_id: UUID) -> ApprovalView:
        if approval_id != APPROVAL:
            raise NotFound("no approval")
        return self.asked[1]

    async def decide(
        self, by: Actor, approval_id: UUID, *, approve: bool, reason: str | None, shown_hash: bytes
    ) -> Decided:
        self.done.append(("decide", by.name, approve, reason, shown_hash))
        return self.decided if approval_id == APPROVAL else Decided.UNKNOWN

    async def operators(self, by: Actor) -> Sequence[Operator]:
        return list(self.people.values())

    async def admit(self, by: Actor, name: str, role: Role, life: timedelta | None) -> Admission:
        if any(each.name == name for each in self.people.values()):
            raise Conflict("taken")
        self.done.append(("admit", by.name, name, role, life))
        return Admission(operator(name, role), "parley_token")

    async def revoke(self, by: Actor, name: str) -> Operator:
        for each in self.people.values():
            if each.name == name:
                self.done.append(("revoke", by.name, name))
                return each
        raise NotFound("nobody")

    def _handle(self, what: str, by: Actor, session_id: UUID, *more: Any) -> Handling:
        self._reach()
        self.done.append((what, by.name, *more))
        return Handling(self.outcome if session_id == SESSION else Handled.UNKNOWN, self.owner)

    def _reach(self) -> None:
        if self.away:
            raise Unavailable("Postgres is not available", retry_after=3)
