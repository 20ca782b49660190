"""What a turn reaches outside, kept in memory: `flows.services.Services` for one conversation."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from flows.errors import FileMissing
from flows.llm.contract import ErrorKind, Event, ModelError, ModelRequest
from flows.rehearsal.approvals import Approvals, settle, use
from flows.rehearsal.script import NOON
from flows.rehearsal.selves import RehearsedSelves
from flows.services import ModelChoice, OtpRefused, OtpStarted, Verdict
from storage.approval_records import Decision
from storage.knowledge import Passage
from storage.outcomes import Flag, NewState
from storage.records import Session, Turn, UploadedFile

OTP_CHANNEL = UUID(int=77)
OTP_ADDRESS = "+441632960961"
MOST_GUESSES = 5
EPHEMERAL_FOR = timedelta(minutes=30)


class RehearsedServices:
    """Codes are 100001, 100002 and so on. `model_says`: what the model says to each request, in turn."""

    def __init__(self, now: datetime = NOON) -> None:
        self.stopped = asyncio.Event()
        self.time = now
        self.ids = 1000
        self.ephemeral: dict[str, Any] = {}
        self.refusal: str | None = None
        self.codes: dict[str, str] = {}
        self.guesses: dict[str, int] = {}
        self.purposes: list[str] = []
        self.passages: Sequence[Passage] = []
        self.model: ModelChoice | None = None
        self.model_says: list[Sequence[Event | Exception]] = []
        self.requests: list[ModelRequest] = []
        # Requests for which `model_says` had nothing, by purpose.
        self.unanswered: list[str] = []
        self.quoted: list[Sequence[Passage]] = []
        self.flags: dict[str, Flag] = {}
        self.selves = RehearsedSelves()
        self.approvals: Approvals = {}
        # The bytes of the files that the person sends, by id.
        self.files: dict[UUID, bytes] = {}
        # How alike a text is to flows, by the flow's name.
        self.alike: dict[str, Mapping[str, float]] = {}

    def fork(self, later: timedelta) -> RehearsedServices:
        """The same, some time later, for a run that must change nothing here."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, dict | list):
                setattr(other, name, value.copy())
        other.selves = self.selves.fork()
        other.time = self.time + later
        return other

    def pass_time(self, duration: timedelta) -> None:
        """Move the clock; what is kept briefly goes when its time is over."""
        self.time += duration
        if duration >= EPHEMERAL_FOR:
            self.ephemeral.clear()

    def now(self) -> datetime:
        return self.time

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    async def checkpoint(self, state: NewState) -> None:
        return

    async def delta(
        self, message_id: UUID, attempt: int, seq: int, text: str, *, sensitive: bool = False
    ) -> None:
        return

    async def ephemeral_read(self, session: Session) -> Mapping[str, Any]:
        return dict(self.ephemeral)

    async def ephemeral_write(self, session: Session, name: str, value: Any) -> None:
        self.ephemeral[name] = orjson.loads(orjson.dumps(value))

    async def flags_read(self, session: Session) -> Mapping[str, Flag]:
        return dict(self.flags)

    def keep_file(self, file: UploadedFile, content: bytes | None = None) -> UploadedFile:
        """Take a file in, as uploading does; without its `content` it is full of zeros."""
        kept = replace(file, id=UUID(int=90_000 + len(self.files)))
        self.files[kept.id] = bytes(file.size) if content is None else content
        return kept

    async def read_file(self, file_id: UUID) -> bytes:
        """What was sent in this conversation."""
        if file_id not in self.files:
            raise FileMissing("there is no such file")
        return self.files[file_id]

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        if self.refusal is not None:
            return OtpRefused(self.refusal)
        self.purposes.append(purpose)
        self.codes[purpose] = f"{100000 + len(self.purposes)}"
        self.guesses[purpose] = 0
        return OtpStarted(self.codes[purpose], OTP_CHANNEL, address or OTP_ADDRESS)

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        if purpose not in self.codes:
            return Verdict.EXPIRED
        if self.guesses[purpose] >= MOST_GUESSES:
            return Verdict.LOCKED
        if self.codes[purpose] == guess:
            del self.codes[purpose]
            return Verdict.OK
        self.guesses[purpose] += 1
        return Verdict.LOCKED if self.guesses[purpose] >= MOST_GUESSES else Verdict.WRONG

    async def approval_settle(
        self,
        session: Session,
        approval_id: UUID,
        shown_hash: bytes,
        decision: Decision | None,
        *,
        sensitive: bool,
    ) -> Decision:
        return settle(self.approvals, approval_id, shown_hash, decision, self.time)

    async def approval_use(self, session: Session, approval_id: UUID, shown_hash: bytes, key: str) -> bool:
        return use(self.approvals, approval_id, shown_hash, key)

    def works_on(self, overlap: str) -> None:
        """Nothing comes while a turn is rehearsed."""

    async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
        return self.alike.get(text, {})

    async def retrieve(self, question: str) -> Sequence[Passage]:
        return self.passages

    async def generate(self, purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        if not self.model_says:
            self.unanswered.append(purpose)
            raise ModelError(ErrorKind.INVALID, "the model has nothing more to say")
        for event in self.model_says.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event

    async def note_quotes(self, purpose: str, passages: Sequence[Passage]) -> None:
        self.quoted.append(passages)
