"""A conversation in one process: what storage and the turn worker do for the engine, in plain values.

States go through JSON as they do through jsonb. What is durable about it is tested in `tests/storage`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from flows.errors import FlowFailed, Unavailable
from flows.llm.contract import Event, ModelRequest
from flows.services import ModelChoice, OtpRefused, OtpStarted, Verdict
from storage.knowledge import Passage
from storage.records import Entry, EntryKind, Json, NewState, Outcome, Session, State, Turn

OTP_CHANNEL = UUID(int=77)


class Killed(BaseException):
    """The process dies here."""


class FakeServices:
    """`Services` for one conversation; dies at the checkpoints of a turn in `kill_at`, counted from 1."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.time = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self.ids = 1000
        self.checkpoints: list[NewState] = []
        self.kill_at: set[int] = set()
        self.kill_before_write = False
        self.deltas: list[tuple[UUID, int, int, str]] = []
        self.ephemeral: dict[str, Any] = {}
        self.redis_down = False
        self.refusal: str | None = None
        self.codes: dict[str, str] = {}
        self.guesses: dict[str, int] = {}
        self.purposes: list[str] = []
        self.passages: list[Passage] = []
        self.model: ModelChoice | None = None
        # Each request takes the next list; what is an exception is raised.
        self.model_says: list[list[Event | Exception]] = []
        self.requests: list[ModelRequest] = []
        self.quoted: list[Sequence[Passage]] = []
        self.database_down = False

    def now(self) -> datetime:
        return self.time

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

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

    async def delta(self, message_id: UUID, attempt: int, seq: int, text: str) -> None:
        if self.redis_down:
            raise Unavailable("redis")
        self.deltas.append((message_id, attempt, seq, text))

    async def ephemeral_read(self, session: Session) -> Mapping[str, Any]:
        if self.redis_down:
            raise Unavailable("redis")
        return dict(self.ephemeral)

    async def ephemeral_write(self, session: Session, name: str, value: Any) -> None:
        if self.redis_down:
            raise Unavailable("redis")
        self.ephemeral[name] = orjson.loads(orjson.dumps(value))

    async def otp_start(
        self, turn: Turn, purpose: str, address: str | None, via: str | None
    ) -> OtpStarted | OtpRefused:
        if self.redis_down:
            raise Unavailable("redis")
        if self.refusal is not None:
            return OtpRefused(self.refusal)
        self.purposes.append(purpose)
        self.codes[purpose] = f"{100000 + len(self.purposes)}"
        self.guesses[purpose] = 0
        return OtpStarted(self.codes[purpose], OTP_CHANNEL, address or "+441632960961")

    async def otp_check(self, turn: Turn, purpose: str, guess: str) -> Verdict:
        if self.redis_down:
            raise Unavailable("redis")
        if purpose not in self.codes:
            return Verdict.EXPIRED
        if self.guesses[purpose] >= 5:
            return Verdict.LOCKED
        if self.codes[purpose] == guess:
            del self.codes[purpose]
            return Verdict.OK
        self.guesses[purpose] += 1
        return Verdict.LOCKED if self.guesses[purpose] >= 5 else Verdict.WRONG

    async def retrieve(self, question: str) -> Sequence[Passage]:
        if self.database_down:
            raise Unavailable("postgres")
        return self.passages

    async def generate(self, purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        self.requests.append(request)
        for event in self.model_says.pop(0):
            await asyncio.sleep(0)
            if isinstance(event, Exception):
                raise event
            yield event

    async def note_quotes(self, purpose: str, passages: Sequence[Passage]) -> None:
        self.quoted.append(passages)


@dataclass(frozen=True, slots=True)
class Said:
    """One reply as the person sees it."""

    text: str
    labels: tuple[str, ...] = ()
    payloads: tuple[str, ...] = ()
    document: Any = None


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

    async def say(self, text: str, *, reply_id: UUID | None = None) -> list[str]:
        """The texts of the replies to a message."""
        return [said.text for said in await self.send(self.entry(text, reply_id=reply_id))]

    async def press(self, payload: Json) -> list[str]:
        """The texts of the replies to a button."""
        return [said.text for said in await self.send(self.entry("", EntryKind.ACTION, payload))]

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
        assert new is not None
        data = orjson.loads(orjson.dumps(new.data))
        self.state = State(self.state.version + 1, new.flow, new.flow_version, new.state_name, data)
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


def read(content: str, content_type: str) -> Said:
    if content_type == "text":
        return Said(content)
    document = orjson.loads(content)
    choices = document.get("choices", [])
    return Said(
        document["text"],
        tuple(choice["label"] for choice in choices),
        tuple(choice["payload"] for choice in choices),
        document,
    )
