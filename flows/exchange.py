"""What one turn has come to so far: the stack of frames, what was said, what must be sent elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from flows.bot import Bot
from flows.errors import Unavailable
from flows.flow import Flow
from flows.onlooker import Onlooker
from flows.record import FORMAT, Frame, write_frame
from flows.services import Services
from flows.vocabulary import Reply, render
from storage.records import ContentType, Dispatch, Flag, NewMessage, NewState, Turn

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
    `flags` is what it learnt of the user, `resolved` what a flow made of the person's matter.
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
        """The next message; the turn's first one takes the placeholder's id where there is one."""
        placeholder = None if self.said or self.fresh else self.turn.entry.reply_id
        return NewMessage(placeholder or self.services.new_id(), content, content_type, sensitive=sensitive)

    def push(self, flow: Flow, opening: str) -> None:
        """A flow begins, upon what is under way if anything is; the entry's input is used up by that."""
        run = self.services.new_id().hex
        self.frames.append(Frame(flow.name, flow.version, run, opening=opening, sensitive=flow.sensitive))
        self.consumed = True

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
        }
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
