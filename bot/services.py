"""What one turn may reach: the ports of `flows.services`, over storage and the live hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.web.ports import Delta
from bot.knowledge.finding import Finder
from bot.likeness import Likeness
from bot.live import Hub
from bot.otp import OtpSender
from bot.overtaking import Overtaking
from bot.selves import PersonSelves
from bot.streams import LiveStreams
from bot.writing import Writer
from flows.errors import FileMissing, Unavailable
from flows.llm.contract import Event, ModelRequest
from flows.services import ModelChoice, OtpRefused, OtpStarted, Verdict
from storage.approval_records import Decision
from storage.approvals import Approvals
from storage.clock import Clock
from storage.ephemeral import EphemeralSlots
from storage.errors import NotFound
from storage.errors import Unavailable as StorageUnavailable
from storage.files import Files
from storage.ids import uuid7
from storage.keys import Vault
from storage.knowledge import Passage
from storage.outcomes import Flag, NewState
from storage.records import Session, Turn
from storage.turns import TurnStore
from storage.user_flags import UserFlags


class TurnServices:
    """Made for each turn; holds nothing but references."""

    __slots__ = (
        "_approvals",
        "_clock",
        "_files",
        "_finder",
        "_flags",
        "_hub",
        "_likeness",
        "_otp",
        "_overtaking",
        "_search_ms",
        "_slots",
        "_store",
        "_streams",
        "_turn",
        "_vault",
        "_writer",
        "selves",
    )

    def __init__(
        self,
        turn: Turn,
        overtaking: Overtaking,
        store: TurnStore,
        clock: Clock,
        hub: Hub,
        slots: EphemeralSlots,
        vault: Vault,
        flags: UserFlags,
        otp: OtpSender,
        finder: Finder,
        writer: Writer,
        likeness: Likeness,
        files: Files,
        approvals: Approvals,
        selves: PersonSelves,
        streams: LiveStreams,
    ) -> None:
        self._overtaking = overtaking
        self._turn = turn
        self._store = store
        self._clock = clock
        self._hub = hub
        self._slots = slots
        self._vault = vault
        self._flags = flags
        self._otp = otp
        self._finder = finder
        self._writer = writer
        self._likeness = likeness
        self._files = files
        self._approvals = approvals
        self.selves = selves
        self._streams = streams
        self._search_ms = 0

    @property
    def stopped(self) -> asyncio.Event:
        return self._overtaking.stopped

    def works_on(self, overlap: str) -> None:
        self._overtaking.works_on(overlap)

    def now(self) -> datetime:
        return self._clock()

    def new_id(self) -> UUID:
        return uuid7()

    async def checkpoint(self, state: NewState) -> None:
        await self._store.checkpoint(self._turn, state)

    async def delta(
        self, message_id: UUID, attempt: int, seq: int, text: str, *, sensitive: bool = False
    ) -> None:
        session = self._turn.session
        self._hub.publish(session.channel_id, session.external_user_id, Delta(message_id, attempt, seq, text))
        if not sensitive:
            self._streams.feed(self._turn, message_id, text)

    async def ephemeral_read(self, session: Session) -> Mapping[str, Any]:
        try:
            sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
            return await self._slots.read(session.tenant_id, session.id, sealer=sealer)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def ephemeral_write(self, session: Session, name: str, value: Any) -> None:
        """Always sealed: what a flow declares ephemeral is what it least wants to find in a dump."""
        try:
            sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
            await self._slots.write(session.tenant_id, session.id, name, value, sealer=sealer)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def flags_read(self, session: Session) -> Mapping[str, Flag]:
        return await self._flags.read(session.tenant_id, session.user_id)

    async def read_file(self, file_id: UUID) -> bytes:
        try:
            return await self._files.read(self._turn.session.tenant_id, file_id)
        except NotFound as error:
            raise FileMissing(str(error)) from error
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        try:
            return await self._otp.start(turn.session, purpose, address, via)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        try:
            return await self._otp.check(turn.session, purpose, guess)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def approval_settle(
        self,
        session: Session,
        approval_id: UUID,
        shown_hash: bytes,
        decision: Decision | None,
        *,
        sensitive: bool,
    ) -> Decision:
        return await self._approvals.settle(session, approval_id, shown_hash, decision, sensitive=sensitive)

    async def approval_use(self, session: Session, approval_id: UUID, shown_hash: bytes, key: str) -> bool:
        return await self._approvals.use(session, approval_id, shown_hash, key)

    async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
        return await self._likeness.of(text, candidates)

    @property
    def model(self) -> ModelChoice | None:
        return self._writer.choice(self._turn.session.tenant_id)

    async def retrieve(self, question: str) -> Sequence[Passage]:
        started = time.perf_counter()
        try:
            return await self._finder.find(self._turn.session.tenant_id, question)
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error
        finally:
            self._search_ms = round((time.perf_counter() - started) * 1000)

    async def generate(self, purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        session = self._turn.session
        answer = self._writer.stream(
            session.tenant_id, session.id, self._turn.entry.message_id, purpose, request
        )
        try:
            async with aclosing(answer) as events:
                async for event in events:
                    yield event
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error

    async def note_quotes(self, purpose: str, passages: Sequence[Passage]) -> None:
        session = self._turn.session
        try:
            await self._writer.note_quotes(
                session.tenant_id,
                session.id,
                self._turn.entry.message_id,
                purpose,
                passages,
                self._search_ms,
            )
        except StorageUnavailable as error:
            raise Unavailable(str(error)) from error
