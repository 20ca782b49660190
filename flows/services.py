"""What the engine needs from outside, handed in by the composition root."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from flows.llm.contract import Event, ModelRequest
from flows.selves import Selves
from storage.approval_records import Decision
from storage.knowledge import Passage
from storage.outcomes import Flag, NewState
from storage.records import Session, Turn


@dataclass(frozen=True, slots=True)
class OtpStarted:
    """A code was made. `channel_id` and `address` say where it must be sent; a `secret` one is shown in part."""

    code: str
    channel_id: UUID
    address: str
    secret: bool = True


@dataclass(frozen=True, slots=True)
class OtpRefused:
    """No code was made: `no_address`, `no_channel`, `too_many`."""

    reason: str


class Verdict(StrEnum):
    """What a guess came to."""

    OK = "ok"
    WRONG = "wrong"
    LOCKED = "locked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model that writes for a tenant. `instructions` are the bot's own; `max_tokens` bounds an answer.

    `effort` is how much it thinks, None where it has no such choice.
    """

    provider: str
    name: str
    instructions: str = ""
    max_tokens: int = 4096
    effort: str | None = None


class Services(Protocol):
    """The ports of one turn. What they raise ends the turn and reaches the caller of `run_turn`,
    except `flows.errors.Unavailable` where a method says so.
    """

    @property
    def stopped(self) -> asyncio.Event:
        """Set when the person pressed Stop during this turn."""

    def works_on(self, overlap: str) -> None:
        """Told what the flow that runs now does with a newer message (`Flow.overlap`)."""

    def now(self) -> datetime:
        """The time, aware, UTC."""

    def new_id(self) -> UUID: ...

    async def checkpoint(self, state: NewState) -> None:
        """Write what the turn has recorded so far."""

    async def delta(
        self, message_id: UUID, attempt: int, seq: int, text: str, *, sensitive: bool = False
    ) -> None:
        """Show a piece of a reply that is being written. Unavailable: the person sees it at the end only.

        What is `sensitive` is shown only where it does not stay.
        """

    async def ephemeral_read(self, session: Session) -> Mapping[str, Any]:
        """The session's short-lived values. Unavailable: they count as expired."""

    async def ephemeral_write(self, session: Session, name: str, value: Any) -> None:
        """Keep a short-lived JSON value. Unavailable: it lasts for this turn only."""

    async def flags_read(self, session: Session) -> Mapping[str, Flag]:
        """All that is remembered of the session's user, by name."""

    @property
    def selves(self) -> Selves:
        """What is known of the person's other selves."""

    async def read_file(self, file_id: UUID) -> bytes:
        """The bytes of a file that a person sent. Raises FileMissing and Unavailable."""

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        """Make a code for this session and purpose, replacing an earlier one. Unavailable: fails closed.

        `address` None: the tenant's settings say where the person is reached; `via` names the platform.
        """

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        """Judge a guess, once. Unavailable: fails closed."""

    async def approval_settle(
        self,
        session: Session,
        approval_id: UUID,
        shown_hash: bytes,
        decision: Decision | None,
        *,
        sensitive: bool,
    ) -> Decision:
        """Decide an approval of the session, once: what stands, which may be what somebody else decided before.

        None only looks. Also one that is not there, or is bound to something else, has expired. The reason of a
        `sensitive` one is sealed.
        """

    async def approval_use(self, session: Session, approval_id: UUID, shown_hash: bytes, key: str) -> bool:
        """Use an approval for the call with this key; False unless it was given and no other call used it."""

    async def similar(self, text: str, candidates: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
        """How alike a text is to each candidate, by the nearest of its texts: 1 for the same words. Unavailable."""

    @property
    def model(self) -> ModelChoice | None:
        """The model of this tenant; None when none is set up."""

    async def retrieve(self, question: str) -> Sequence[Passage]:
        """The passages of the tenant's documents that are nearest to a question, best first. Unavailable."""

    def generate(self, purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        """Ask a model, on record; close it to give up. Raises ModelError and Unavailable."""

    async def note_quotes(self, purpose: str, passages: Sequence[Passage]) -> None:
        """Put on record that these passages were quoted without a model. Unavailable."""
