"""A conversation in one process: what storage and the turn worker do for the engine, in plain values.

States go through JSON as they do through jsonb. What is durable about it is tested in `tests/storage`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from bot.likeness import Likeness
from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from flows.errors import FlowFailed, Unavailable
from flows.rehearsal.approvals import keep, latest, may_decide, settle
from flows.rehearsal.conversation import Said, read
from flows.rehearsal.services import RehearsedServices
from flows.services import OtpRefused, OtpStarted, Verdict
from flows.values import encode
from storage.approval_records import ApprovalStatus, Decision
from storage.knowledge import Passage
from storage.outcomes import Flag, NewState, Outcome, Timer
from storage.records import Entry, EntryKind, Json, Session, State, Turn, UploadedFile


class Killed(BaseException):
    """The process dies here."""


class FakeServices(RehearsedServices):
    """`Services` for one conversation; dies at the checkpoints of a turn in `kill_at`, counted from 1."""

    def __init__(self) -> None:
        super().__init__()
        self.checkpoints: list[NewState] = []
        self.kill_at: set[int] = set()
        self.kill_before_write = False
        self.deltas: list[tuple[UUID, int, int, str]] = []
        self.sensitive_deltas: list[str] = []
        self.redis_down = False
        self.database_down = False
        self.overlaps: list[str] = []
        self.flags_read_count = 0
        # Answers for texts that are not in `alike`.
        self.likeness: Likeness | None = None
        self.compared: list[str] = []

    def works_on(self, overlap: str) -> None:
        self.overlaps.append(overlap)

    async def checkpoint(self, state: NewState) -> None:
        await asyncio.sleep(0)
        number = len(self.checkpoints) + 1
        dies = number in self.kill_at
        self.kill_at.discard(number)
        if dies and self.kill_before_write:
            raise Killed
        self.checkpoints.append(replace(state, data=orjson.loads(orjson.dumps(state.data))))
        if dies:
            raise Killed

    async def delta(
        self, message_id: UUID, attempt: int, seq: int, text: str, *, sensitive: bool = False
    ) -> None:
        self._needs_redis()
        self.deltas.append((message_id, attempt, seq, text))
        if sensitive:
            self.sensitive_deltas.append(text)

    async def ephemeral_read(self, session: Session) -> Mapping[str, Any]:
        self._needs_redis()
        return await super().ephemeral_read(session)

    async def ephemeral_write(self, session: Session, name: str, value: Any) -> None:
        self._needs_redis()
        await super().ephemeral_write(session, name, value)

    async def flags_read(self, session: Session) -> Mapping[str, Flag]:
        self.flags_read_count += 1
        return await super().flags_read(session)

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        self._needs_redis()
        return await super().otp_start(turn, purpose, address, via)

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        self._needs_redis()
        return await super().otp_check(turn, purpose, guess)

    async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
        self.compared.append(text)
        if text not in self.alike and self.likeness is not None:
            return await self.likeness.of(text, candidates)
        return await super().similar(text, candidates)

    async def retrieve(self, question: str) -> Sequence[Passage]:
        if self.database_down:
            raise Unavailable("postgres")
        return await super().retrieve(question)

    def _needs_redis(self) -> None:
        if self.redis_down:
            raise Unavailable("redis")


class Conversation:
    """Talks to a bot as a person would, committing what each turn comes to."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.services = FakeServices()
        self.session = Session(UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4), "web", "visitor")
        self.state = State()
        self.position = 0
        self.outcome: Outcome | None = None
        self.failure: BaseException | None = None
        self.transcript: list[str] = []
        self.timers: dict[UUID, Timer] = {}
        self.fired: set[UUID] = set()

    async def say(self, text: str, *, reply_id: UUID | None = None) -> list[str]:
        """The texts of the replies to a message."""
        return [said.text for said in await self.send(self.entry(text, reply_id=reply_id))]

    async def send_files(self, *files: UploadedFile, text: str = "") -> list[str]:
        """The texts of the replies to files; they are kept under new ids."""
        kept = tuple(self.services.keep_file(file) for file in files)
        return [said.text for said in await self.send(replace(self.entry(text), attachments=kept))]

    async def press(self, payload: Json) -> list[str]:
        """The texts of the replies to a button."""
        return [said.text for said in await self.send(self.entry("", EntryKind.ACTION, payload))]

    async def ring(self) -> list[str]:
        """The texts of the replies to the timers that are due by now, each fired once."""
        said: list[Said] = []
        while due := [
            timer
            for timer in self.timers.values()
            if timer.due_at <= self.services.time and timer.id not in self.fired
        ]:
            first = min(due, key=lambda timer: timer.due_at)
            self.fired.add(first.id)
            said += await self.send(self.fire(first.id))
        return [one.text for one in said]

    def fire(self, timer_id: UUID) -> Entry:
        """The entry of a timer that goes off."""
        self.position += 1
        return Entry(timer_id, self.position, EntryKind.TIMER, "", None, None, None, self.services.time, 1)

    async def happen(self, name: str, value: Any = None) -> list[str]:
        """The texts of the replies to a named event."""
        payload: Json = {"name": name, "value": encode(value, "event")}
        entry = replace(self.entry("", EntryKind.EVENT, payload), message_id=None)
        return [said.text for said in await self.send(entry)]

    async def operate(
        self, action: str, by: str = "ann", text: str = "", *, resolved: bool | None = None
    ) -> list[str]:
        """The texts of the messages that come of what an operator does, who takes the session with it."""
        self.session = replace(self.session, in_handoff=True, owner=by)
        payload: Json = {"action": action, "by": by, "text": text, "resolved": resolved}
        entry = replace(self.entry("", EntryKind.OPERATOR, payload), message_id=None)
        return [said.text for said in await self.send(entry)]

    async def decide(self, approve: bool, by: str = "ann", reason: str | None = None) -> list[str]:
        """The texts of the replies to what an operator decides about the approval that was asked for last."""
        asked = latest(self.services.approvals)
        assert asked is not None
        return [said.text for said in await self.send(self.decision(asked, approve, by, reason))]

    def decision(self, asked: UUID, approve: bool, by: str = "ann", reason: str | None = None) -> Entry:
        """The entry of a decision, which stands from now on."""
        held = self.services.approvals[asked]
        assert may_decide(held, by)
        status = ApprovalStatus.APPROVED if approve else ApprovalStatus.REJECTED
        decision = Decision(status, f"operator:{by}", reason)
        settle(self.services.approvals, asked, held.approval.shown_hash, decision, self.services.time)
        return replace(self.entry("", EntryKind.DECISION, {"approval": str(asked)}), message_id=None)

    async def show(self, text: str) -> list[Said]:
        return await self.send(self.entry(text))

    def entry(
        self,
        text: str,
        kind: EntryKind = EntryKind.MESSAGE,
        payload: Json = None,
        *,
        reply_id: UUID | None = None,
    ) -> Entry:
        self.position += 1
        entry_id = UUID(int=10_000 + self.position)
        return Entry(entry_id, self.position, kind, text, payload, entry_id, reply_id, self.services.time, 1)

    async def send(self, entry: Entry) -> list[Said]:
        """Run the entry's turn and commit it; a killed one is run again from its last checkpoint."""
        state = self.state
        while True:
            turn = Turn(self.session, 1, entry, state, 0)
            try:
                return self.commit(await run_turn(self.bot, turn, self.services))
            except FlowFailed as failed:
                self.failure = failed.cause
                return self.commit(failed.outcome)
            except Killed:
                written = self.services.checkpoints[-1].data if self.services.checkpoints else None
                state = replace(self.state, checkpoint=written)
                entry = replace(entry, attempt=entry.attempt + 1)

    def commit(self, outcome: Outcome) -> list[Said]:
        self.outcome = outcome
        new = outcome.state
        if new is not None:
            data = orjson.loads(orjson.dumps(new.data))
            self.state = State(self.state.version + 1, new.flow, new.flow_version, new.state_name, data)
        if (hand := outcome.hand) is not None:
            owner = (hand.owner or self.session.owner) if hand.to_person else None
            self.session = replace(self.session, in_handoff=hand.to_person, owner=owner)
        for flag in outcome.flags:
            self.services.flags[flag.name] = replace(flag, value=orjson.loads(orjson.dumps(flag.value)))
        keep(self.services.approvals, outcome.approvals)
        if outcome.timers is not None:
            self.timers = {timer.id: timer for timer in outcome.timers}
        said = [read(message.content, message.content_type) for message in outcome.replies]
        self.transcript += [one.text for one in said]
        self.services.checkpoints = []
        return said

    def pass_time(self, duration: timedelta) -> None:
        self.services.time += duration


def bot_that(script: Callable[[Chat], Awaitable[Any]], **settings: Any) -> Bot:
    """A bot of one flow, started by "go"."""
    flow = Flow("main", phrases=["go"], **settings)
    flow(script)
    return Bot([flow])
