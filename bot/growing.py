"""One reply while it is written: opened on its platform, and grown there at a pace that the platform takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID

import stamina
import structlog

from adapters.contract import Delivery, StreamingAdapter
from adapters.errors import DeliveryFailed
from storage.errors import StorageError, Unavailable
from storage.records import Channel, ContentType, Turn
from storage.streams import Opening, Streams

log = structlog.get_logger("parley.streams")

_NAME_AGAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """When a reply is shown: from so many characters on, or after so many seconds; then so often at most.

    A commit waits `settle_s` seconds for what is under way, and `opening_s` for a message that is being opened.
    """

    open_at: int = 80
    open_after_s: float = 0.6
    every_s: float = 1.0
    settle_s: float = 1.0
    opening_s: float = 5.0


class Growing:
    """`feed` and `close` are for the turn, `run` is a task of its own that ends by itself after `close`."""

    def __init__(
        self,
        turn: Turn,
        message_id: UUID,
        adapter: StreamingAdapter,
        streams: Streams,
        load: Callable[[UUID, UUID], Awaitable[Channel]],
        pace: Pace,
    ) -> None:
        self._turn = turn
        self._message_id = message_id
        self._adapter = adapter
        self._streams = streams
        self._load = load
        self._pace = pace
        self._pieces: list[str] = []
        self._length = 0
        self._shown = 0
        self._external_id: str | None = None
        self._enough = asyncio.Event()
        self._more = asyncio.Event()
        self._closed = asyncio.Event()
        self.is_opening = False

    def feed(self, text: str) -> None:
        """The text goes on."""
        self._pieces.append(text)
        self._length += len(text)
        self._more.set()
        if self._length >= self._pace.open_at:
            self._enough.set()

    def close(self) -> None:
        """Show no more."""
        self._closed.set()

    async def run(self) -> None:
        """Show the text as it comes, until it is closed or the platform takes no more of it; never raises."""
        try:
            await self._show()
        except (DeliveryFailed, StorageError) as error:
            log.warning("stream_ended", delivery=str(self._message_id), error=str(error))
        except Exception as error:
            # Whatever it is: the reply is delivered all the same.
            log.exception("stream_failed", delivery=str(self._message_id), error=type(error).__name__)

    async def _show(self) -> None:
        if await self._closed_within(self._pace.open_after_s, unless=self._enough):
            return
        session = self._turn.session
        channel = await self._load(session.tenant_id, session.channel_id)
        pause = self._pace.every_s
        needs_another = True
        while True:
            try:
                if needs_another:
                    if not await self._open(channel):
                        return
                    needs_another = False
                else:
                    shown = self._length
                    needs_another = not await self._adapter.append_stream(self._delivery(channel))
                    self._shown = self._shown if needs_another else shown
                pause = self._pace.every_s
            except DeliveryFailed as failed:
                if failed.permanent or failed.unsure or failed.retry_after is None:
                    raise
                pause, needs_another = max(failed.retry_after, self._pace.every_s), self._external_id is None
            if await self._closed_within(pause):
                return
            if not needs_another and self._shown == self._length:
                self._more.clear()
                if await self._closed_within(None, unless=self._more):
                    return

    async def _open(self, channel: Channel) -> bool:
        """Have another message; False where there must be none."""
        self.is_opening = True
        try:
            opened = await self._streams.begin(self._turn, self._message_id, self._external_id)
            match opened.opening:
                case Opening.NAMED:
                    self._external_id = opened.external_id
                    return True
                case Opening.BEGUN:
                    return await self._begun(channel)
                case Opening.BEHIND:
                    raise DeliveryFailed("earlier replies are on their way", permanent=False, retry_after=0.0)
                case Opening.UNKNOWN | Opening.LOST:
                    return False
            assert_never(opened.opening)
        finally:
            self.is_opening = False

    async def _begun(self, channel: Channel) -> bool:
        tenant_id, known = self._turn.session.tenant_id, self._external_id
        if self._closed.is_set():
            await self._streams.refused(tenant_id, self._message_id)
            return False
        try:
            self._external_id = await self._adapter.open_stream(self._delivery(channel))
        except DeliveryFailed as failed:
            if not failed.unsure:
                await self._streams.refused(tenant_id, self._message_id)
            raise
        # Without its name it would be said twice.
        async for attempt in stamina.retry_context(on=Unavailable, attempts=None, timeout=_NAME_AGAIN_S):
            with attempt:
                await self._streams.name(tenant_id, self._message_id, known, self._external_id)
        return True

    def _delivery(self, channel: Channel) -> Delivery:
        session = self._turn.session
        return Delivery(
            str(self._message_id),
            channel,
            session.external_user_id,
            session.thread_key,
            "".join(self._pieces),
            ContentType.TEXT,
            0,
            datetime.now(UTC),
            self._external_id,
        )

    async def _closed_within(self, seconds: float | None, unless: asyncio.Event | None = None) -> bool:
        """Whether it was closed in the time, or before something else happened."""
        waiting = [
            asyncio.ensure_future(event.wait()) for event in (self._closed, unless) if event is not None
        ]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*waiting, return_exceptions=True)
        return self._closed.is_set()
