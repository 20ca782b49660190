"""Showing in Slack that a turn is under way, beside the turn: nothing of it holds a turn up or fails one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Self
from uuid import UUID

import structlog

from adapters.slack.status import Statuses
from bot.tasks import END_WITHIN_S, Tasks
from storage.installations import PLATFORM
from storage.records import Channel, Session
from storage.shortlived import ShortLived

log = structlog.get_logger("parley.slack")

_MOST = 1_000
# Longer than a turn may take.
_BEGUN_S = 900.0


class AtWork:
    """Shows and clears the statuses of sessions, each session's calls in order. `load` finds a channel."""

    def __init__(
        self,
        statuses: Statuses,
        load: Callable[[UUID, UUID], Awaitable[Channel]],
        *,
        end_within_s: float = END_WITHIN_S,
    ) -> None:
        self._statuses = statuses
        self._load = load
        self._tasks = Tasks(end_within_s=end_within_s)
        self._latest: dict[UUID, asyncio.Task[None]] = {}
        self._begun: ShortLived[UUID, bool] = ShortLived(life=_BEGUN_S, capacity=10 * _MOST)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """What is shown is still cleared, as far as that is quick."""
        await self._tasks.__aexit__(*error)

    def begin(self, session: Session) -> None:
        """A turn takes a moment."""
        if session.platform == PLATFORM and len(self._latest) < _MOST:
            self._begun.keep(session.id, True, self._begun.generation)
            self._after(session, self._begin(session))

    def end(self, session: Session, *, replies: bool) -> None:
        """The turn is over; `replies`: something will be said."""
        if session.platform == PLATFORM and self._begun.get(session.id):
            self._begun.forget(session.id)
            self._after(session, self._end(session, replies))

    def _after(self, session: Session, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.start(self._run(self._latest.get(session.id), work))
        self._latest[session.id] = task
        task.add_done_callback(lambda done: self._forget(session.id, done))

    def _forget(self, session_id: UUID, done: asyncio.Task[None]) -> None:
        if self._latest.get(session_id) is done:
            del self._latest[session_id]

    async def _run(self, before: asyncio.Task[None] | None, work: Coroutine[Any, Any, None]) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            await work
        except Exception as error:
            # Whatever it is: nobody waits for it.
            log.warning("slack_status_failed", error=f"{type(error).__name__}: {error}")

    async def _begin(self, session: Session) -> None:
        channel = await self._load(session.tenant_id, session.channel_id)
        await self._statuses.work(channel, session.thread_key)

    async def _end(self, session: Session, replies: bool) -> None:
        channel = await self._load(session.tenant_id, session.channel_id)
        await self._statuses.rest(channel, session.thread_key, replies=replies)
