"""A conversation with a bot in one process: what storage and the turn worker do for the engine, in plain values.

States go through JSON as they do through jsonb. What is durable about it is tested in `tests/storage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from flows.bot import Bot
from flows.engine import run_turn
from flows.errors import FlowFailed
from flows.onlooker import Onlooker
from flows.rehearsal.approvals import keep, latest, may_decide, settle
from flows.rehearsal.services import RehearsedServices
from storage.approval_records import ApprovalStatus, Decision
from storage.outcomes import Outcome, Timer
from storage.records import Entry, EntryKind, Json, Session, State, Turn

LIMIT_SECONDS = 10.0
SESSION = Session(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), "web", "visitor")


class NotShown(Exception):
    """Somebody presses a button that the bot has not shown, or decides what is not theirs to decide."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reply as the person sees it; `payloads` are what pressing each of its buttons sends.

    `sensitive`: no record shows it.
    """

    text: str
    labels: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    document: Any = None
    sensitive: bool = False


class Conversation:
    """Talks to a bot as a person would, committing what each turn comes to."""

    def __init__(
        self,
        bot: Bot,
        services: RehearsedServices,
        *,
        session: Session = SESSION,
        onlooker: Onlooker | None = None,
    ) -> None:
        self.bot = bot
        self.services = services
        self.session = session
        self.onlooker = onlooker
        self.state = State()
        self.position = 0
        self.outcome: Outcome | None = None
        self.failure: FlowFailed | None = None
        self.last_turn: Turn | None = None
        self.timers: tuple[Timer, ...] = ()
        self.fired: set[UUID] = set()
        self._buttons: dict[str, str] = {}
        self._closes_at: datetime | None = None

    async def type(self, text: str) -> list[Said]:
        """The replies to a message."""
        return await self.send(self.entry(text))

    async def press(self, payload: Json, label: str = "") -> list[Said]:
        """The replies to a button."""
        return await self.send(self.entry(label, EntryKind.ACTION, payload))

    async def operate(self, action: str, by: str, text: str = "", resolved: bool | None = None) -> list[Said]:
        """What an operator does, `reply`, `resume` or `close`; whoever acts has the session from then on."""
        self.session = replace(self.session, in_handoff=True, owner=by)
        payload: Json = {"action": action, "by": by, "text": text, "resolved": resolved}
        return await self.send(self.entry("", EntryKind.OPERATOR, payload))

    async def decide(self, by: str, approve: bool, reason: str | None = None) -> list[Said]:
        """What an operator decides about the approval that was asked for last. Raises NotShown."""
        held = self.services.approvals
        asked = latest(held)
        if asked is None:
            raise NotShown("nothing waits to be approved")
        if not may_decide(held[asked], by):
            raise NotShown(f"{by} may not decide that: see by= in the flow")
        status = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
        decision = Decision(status, f"operator:{by}", reason)
        settle(held, asked, held[asked].approval.shown_hash, decision, self.services.time)
        return await self.send(self.entry("", EntryKind.DECISION, {"approval": str(asked)}))

    def entry(self, text: str, kind: EntryKind = EntryKind.MESSAGE, payload: Json = None) -> Entry:
        self.position += 1
        entry_id = UUID(int=10_000 + self.position)
        return Entry(entry_id, self.position, kind, text, payload, entry_id, None, self.services.time, 1)

    async def send(self, entry: Entry) -> list[Said]:
        """Run the entry's turn and commit it."""
        if self._closes_at is not None and self.services.time >= self._closes_at:
            # The session was closed as abandoned meanwhile, and this opens another.
            self.state = State()
            self.timers, self._closes_at = (), None
            self.session = replace(self.session, id=UUID(int=self.session.id.int + 1_000))
        self.last_turn = Turn(self.session, 1, entry, self.state, 0)
        self.failure = None
        try:
            outcome = await run_turn(
                self.bot, self.last_turn, self.services, limit_seconds=LIMIT_SECONDS, onlooker=self.onlooker
            )
        except FlowFailed as failed:
            self.failure = failed
            outcome = failed.outcome
        return self.commit(outcome)

    def commit(self, outcome: Outcome) -> list[Said]:
        self.outcome = outcome
        new = outcome.state
        if new is not None:
            data = orjson.loads(orjson.dumps(new.data))
            self.state = State(self.state.version + 1, new.flow, new.flow_version, new.state_name, data)
        for flag in outcome.flags:
            self.services.flags[flag.name] = replace(flag, value=orjson.loads(orjson.dumps(flag.value)))
        keep(self.services.approvals, outcome.approvals)
        if outcome.timers is not None:
            self.timers = outcome.timers
        self._closes_at = None if outcome.parked_for is None else self.services.time + outcome.parked_for
        if (hand := outcome.hand) is not None:
            owner = (hand.owner or self.session.owner) if hand.to_person else None
            self.session = replace(self.session, in_handoff=hand.to_person, owner=owner)
        said = [
            replace(read(message.content, message.content_type), sensitive=message.sensitive)
            for message in outcome.replies
        ]
        for reply in said:
            self._buttons.update(zip(reply.labels, reply.payloads, strict=True))
        return said

    def payload_of(self, label: str) -> str:
        """What the latest button with this label sends. Raises NotShown."""
        if label not in self._buttons:
            shown = ", ".join(self._buttons) or "none yet"
            raise NotShown(f"no button {label!r} was shown; those shown: {shown}")
        return self._buttons[label]

    def next_timer(self, *, until: datetime) -> Timer | None:
        """The first timer that goes off by a time, and before the session is closed for its silence."""
        end = until if self._closes_at is None else min(until, self._closes_at)
        due = [timer for timer in self.timers if timer.due_at <= end and timer.id not in self.fired]
        return min(due, key=lambda timer: timer.due_at, default=None)

    def pass_time(self, duration: timedelta) -> None:
        self.services.pass_time(duration)


def read(content: str, content_type: str) -> Said:
    """A stored reply as the person sees it."""
    if content_type == "text":
        return Said(content)
    document: Mapping[str, Any] = orjson.loads(content)
    choices = document.get("choices", [])
    return Said(
        document.get("text", ""),
        tuple(choice["label"] for choice in choices),
        tuple(choice["payload"] for choice in choices),
        document,
    )
