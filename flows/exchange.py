"""What one turn has come to so far: the stack of frames, what was said, what must be sent elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from flows.awaited import awaited, awaits_any
from flows.bot import Bot
from flows.errors import Unavailable
from flows.flow import Flow
from flows.onlooker import Onlooker
from flows.record import FORMAT, Frame, write_frame
from flows.results import results_of, told_by
from flows.services import Services
from flows.vocabulary import Reply, render
from storage.approval_records import NewApproval
from storage.ids import reply_id
from storage.outcomes import Dispatch, Flag, Hand, Link, NewMessage, NewState, Result, SentEvent, TakenUp
from storage.records import ContentType, Turn

T = TypeVar("T")


class PortFailed(Exception):
    """A port raised `error`; kept apart from what a flow may raise."""

    def __init__(self, error: Exception) -> None:
        super().__init__(repr(error))
        self.error = error


class Exchange:
    """The working state of a turn, shared by its runs.

    `said` holds what finished runs and the engine said; `fresh` what the run under way says. `consumed`
    tells whether the entry's input has had its effect; `redact` whether a sensitive ask took it;
    `secretive` whether a sensitive flow ended in this turn, so that its replies in a checkpoint are sealed.
    `flags` is what it learnt of the user, `resolved` what a flow made of the person's matter, `hand` who has the
    session from now on, `events` what other sessions are told. `results` are for the lasting record.
    `links` and `parted` are what it learnt of who the person is, `taken_up` what goes on here from another session.
    `approvals` were asked for in this turn, `void_approvals` count no more, each for a reason; `awaited` tells
    whether the session waited for one before.
    """

    def __init__(
        self,
        bot: Bot,
        turn: Turn,
        services: Services,
        frames: list[Frame],
        onlooker: Onlooker | None = None,
    ) -> None:
        self.bot = bot
        self.turn = turn
        self.services = services
        self.onlooker = onlooker
        self.frames = frames
        self.said: list[NewMessage] = []
        self.fresh: list[NewMessage] = []
        self.dispatches: list[Dispatch] = []
        self.consumed = False
        self.redact = False
        self.secretive = False
        self.ephemeral: dict[str, Any] | None = None
        self.flags: dict[str, Flag] = {}
        self.resolved: bool | None = None
        self.hand: Hand | None = None
        self.events: list[SentEvent] = []
        self.links: list[Link] = []
        self.parted: list[UUID] = []
        self.taken_up: TakenUp | None = None
        self.approvals: dict[UUID, NewApproval] = {}
        self.void_approvals: dict[UUID, str] = {}
        self.awaited = awaits_any(frames)
        self.results: dict[tuple[str, str, str], Result] = {}
        self._begun_at = {frame.run: frame.ordinal for frame in frames}
        self._awaited = {
            frame.run: frame.pending.path for frame in frames if awaited(frame) and frame.pending
        }
        self._known_flags: Mapping[str, Flag] | None = None
        self._writing = asyncio.Lock()
        self._asked = self._written = 0

    def tell(self, text: str) -> None:
        """Say something in the engine's own name, after all that was said before."""
        self.say(Reply(text=text))
        self.settle()

    def say(self, reply: Reply) -> None:
        content, content_type = render(reply)
        self.fresh.append(self.message(content, content_type, reply.sensitive))

    def message(self, content: str, content_type: ContentType, sensitive: bool) -> NewMessage:
        """The next message; the turn's first one takes the placeholder's id where there is one.

        The same in every attempt, so that what was shown of it while it was written is found again.
        """
        message_id = reply_id(self.turn.entry, len(self.said) + len(self.fresh))
        return NewMessage(message_id, content, content_type, sensitive=sensitive)

    def push(self, flow: Flow, opening: str) -> None:
        """A flow begins, upon what is under way if anything is; the entry's input is used up by that."""
        run = self.services.new_id().hex
        self.frames.append(Frame(flow.name, flow.version, run, opening=opening, sensitive=flow.sensitive))
        self.consumed = True

    def adopt(self, frames: list[Frame], taken_up: TakenUp) -> None:
        """Frames of another session go on in this one; what they came to there is on record there."""
        self.frames += frames
        self.taken_up = taken_up
        self._begun_at |= {frame.run: frame.ordinal for frame in frames}

    def note(self, result: Result) -> None:
        """Put something on the lasting record, once for each place."""
        self.results[result.run, result.path, result.kind] = result

    def note_frame(self, frame: Frame) -> None:
        """Put on the lasting record what a frame's verbs came to in this turn."""
        since, waited = self._begun_at.get(frame.run, 0), self._awaited.get(frame.run, "")
        if frame.ordinal > since or waited:
            for result in results_of(frame, since, waited):
                self.note(result)

    def lasting(self, frames: Iterable[Frame]) -> tuple[Result, ...]:
        """The turn's results; all of them sensitive if a flow that was under way is."""
        if told := told_by(self.turn.entry):
            self.note(told)
        if self.results and (self.secretive or any(frame.sensitive for frame in frames)):
            return tuple(replace(result, sensitive=True) for result in self.results.values())
        return tuple(self.results.values())

    def settle(self) -> None:
        """What the run under way said is said for good."""
        self.said += self.fresh
        self.fresh = []

    def state(self, frames: list[Frame]) -> NewState:
        """The state that these frames make."""
        data = {"format": FORMAT, "frames": [write_frame(frame) for frame in frames]} if frames else {}
        return self._new_state(data, frames)

    async def checkpoint(self) -> None:
        """Write what this turn has recorded, for the attempt that follows if this one is lost.

        The replies of finished runs are kept in it, because only the run under way will be run again.
        One is written at a time, so that a later one is never overtaken; who waits for it shares the next.
        """
        self._asked += 1
        mine = self._asked
        async with self._writing:
            if self._written < mine:
                latest = self._asked
                await self._write_checkpoint()
                self._written = latest

    async def _write_checkpoint(self) -> None:
        data = {
            "format": FORMAT,
            "frames": [write_frame(frame) for frame in self.frames],
            "entry": str(self.turn.entry.id),
            "consumed": self.consumed,
            "redact": self.redact,
            "secretive": self.secretive or any(frame.sensitive for frame in self.frames),
            "said": [[m.content, m.content_type.value, m.sensitive] for m in self.said],
            "flags": [[flag.name, flag.value, flag.sensitive] for flag in self.flags.values()],
            "resolved": self.resolved,
            "events": [[str(told.session_id), told.name, told.value, told.key] for told in self.events],
            "results": [
                [r.kind, r.name, r.value, r.status, r.flow, r.run, r.path, r.digest]
                for r in self.results.values()
            ],
            "links": [[str(link.user_id), link.platform, link.external_id] for link in self.links],
            "parted": [str(user_id) for user_id in self.parted],
            "begun_at": self._begun_at,
        }
        if (taken := self.taken_up) is not None:
            data["taken_up"] = [str(taken.session_id), taken.version, taken.notice]
        state = self._new_state(data, self.frames)
        if data["secretive"]:
            state = replace(state, sensitive=True)
        await self.port(self.services.checkpoint(state))

    def resume(self, checkpoint: Mapping[str, Any]) -> None:
        """Take up what an earlier attempt of the same entry checkpointed."""
        self.consumed = checkpoint["consumed"] is True
        self.redact = checkpoint["redact"] is True
        self.secretive = checkpoint["secretive"] is True
        for content, content_type, sensitive in checkpoint["said"]:
            self.said.append(self.message(content, ContentType(content_type), bool(sensitive)))
        self.flags = {name: Flag(name, value, sensitive) for name, value, sensitive in checkpoint["flags"]}
        self.resolved = checkpoint["resolved"]
        self.events = [
            SentEvent(UUID(session_id), name, value, key)
            for session_id, name, value, key in checkpoint["events"]
        ]
        for told in checkpoint["results"]:
            self.note(Result(*told))
        self.links = [Link(UUID(user_id), *known) for user_id, *known in checkpoint["links"]]
        self.parted = [UUID(user_id) for user_id in checkpoint["parted"]]
        self._begun_at = dict(checkpoint["begun_at"])
        if taken := checkpoint.get("taken_up"):
            self.taken_up = TakenUp(UUID(taken[0]), int(taken[1]), str(taken[2]))

    async def port(self, answer: Awaitable[T]) -> T:
        """Await a port's answer; what it raises, Unavailable excepted, becomes PortFailed."""
        try:
            return await answer
        except Unavailable:
            raise
        except Exception as error:
            raise PortFailed(error) from error

    def forget(self) -> None:
        """The turn is rolled back: what it learnt and concluded was not so."""
        self.flags = {}
        self.resolved = None
        self.events = []
        self.links, self.parted, self.taken_up = [], [], None

    async def flag(self, name: str) -> Flag | None:
        """What is known of the user now, also by this turn; storage is read once a turn."""
        if name in self.flags:
            return self.flags[name]
        if self._known_flags is None:
            self._known_flags = await self.port(self.services.flags_read(self.turn.session))
        return self._known_flags.get(name)

    async def recall(self) -> Mapping[str, Any]:
        """The session's short-lived values, read once a turn; none when they cannot be read."""
        if self.ephemeral is None:
            try:
                self.ephemeral = dict(await self.port(self.services.ephemeral_read(self.turn.session)))
            except Unavailable:
                self.ephemeral = {}
        return self.ephemeral

    async def keep_briefly(self, name: str, value: Any) -> None:
        """Keep a short-lived value; when the store is away it lasts for this turn."""
        if self.ephemeral is None:
            self.ephemeral = {}
        self.ephemeral[name] = value
        try:
            await self.port(self.services.ephemeral_write(self.turn.session, name, value))
        except Unavailable:
            return

    def _new_state(self, data: Mapping[str, Any], frames: list[Frame]) -> NewState:
        if not frames:
            return NewState(data)
        top = frames[-1]
        return NewState(
            data,
            flow=top.flow,
            flow_version=top.version,
            state_name=top.pending.path if top.pending else None,
            sensitive=any(frame.sensitive for frame in frames),
        )
