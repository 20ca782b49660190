"""Replies that are shown while they are written, on platforms where that is a message which stays.

Beside the turn: nothing here holds a turn up for long or fails one. Whatever goes wrong, the committed reply is
delivered, in place of what is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Self
from uuid import UUID

import structlog

from adapters.contract import PushAdapter, StreamingAdapter
from bot.growing import Growing, Pace
from bot.tasks import Tasks
from storage.ids import reply_id
from storage.records import Channel, Turn
from storage.streams import Streams

log = structlog.get_logger("parley.streams")

MOST = 1_000


@dataclass(slots=True)
class _Reply:
    growing: Growing
    task: asyncio.Task[None]


class LiveStreams:
    """Shows what turns are writing. `load` finds a channel with its credentials."""

    def __init__(
        self,
        adapters: Mapping[str, PushAdapter],
        streams: Streams,
        load: Callable[[UUID, UUID], Awaitable[Channel]],
        *,
        pace: Pace | None = None,
        most: int = MOST,
    ) -> None:
        self._adapters = {
            platform: adapter
            for platform, adapter in adapters.items()
            if isinstance(adapter, StreamingAdapter)
        }
        self._streams = streams
        self._load = load
        self._pace = pace or Pace()
        self._most = most
        self._tasks = Tasks()
        self._turns: dict[tuple[UUID, int], dict[UUID, _Reply]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """Whoever finds out what a message is called is waited for, a little."""
        left = [reply for replies in self._turns.values() for reply in replies.values()]
        self._turns.clear()
        for reply in left:
            reply.growing.close()
        await self._wait(left, 0.0)
        await self._tasks.__aexit__(*error)

    def feed(self, turn: Turn, message_id: UUID, text: str) -> None:
        """A piece of a reply; the first one of an attempt begins it anew.

        Only the turn's first reply is shown: what was said before another is delivered by the commit, and it would
        stand above that.
        """
        adapter = self._adapters.get(turn.session.platform)
        if adapter is None or message_id != reply_id(turn.entry, 0):
            return
        replies = self._turns.setdefault((turn.entry.id, turn.token), {})
        reply = replies.get(message_id)
        if reply is None:
            if len(self._tasks) >= self._most:
                return
            growing = Growing(turn, message_id, adapter, self._streams, self._load, self._pace)
            reply = replies[message_id] = _Reply(growing, self._tasks.start(growing.run()))
        reply.growing.feed(text)

    async def settle(self, turn: Turn) -> None:
        """Show no more of the turn: it is about to be committed. Waits for a moment for what is under way."""
        replies = self._turns.pop((turn.entry.id, turn.token), None)
        if not replies:
            return
        for reply in replies.values():
            reply.growing.close()
        await self._wait(list(replies.values()), self._pace.settle_s)
        # A message whose name is not known would be said twice: its answer is worth a longer wait.
        opening = [reply for reply in replies.values() if reply.growing.is_opening]
        await self._wait(opening, self._pace.opening_s - self._pace.settle_s)

    def abandon(self, turn: Turn) -> None:
        """The turn is over, without a commit perhaps: whatever is under way ends by itself."""
        for reply in self._turns.pop((turn.entry.id, turn.token), {}).values():
            reply.growing.close()
            if not reply.growing.is_opening:
                reply.task.cancel()

    async def _wait(self, replies: list[_Reply], limit_s: float) -> None:
        """Wait for those that show, and cancel what takes too long; never one that is opening a message."""
        tasks = [reply.task for reply in replies if not reply.task.done()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=limit_s)
        stuck = [reply.task for reply in replies if reply.task in late and not reply.growing.is_opening]
        for task in stuck:
            task.cancel()
        if stuck:
            await asyncio.wait(stuck)
