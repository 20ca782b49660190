"""Live events: from whoever commits or streams to whoever is connected, within this process and across.

Passing by design. A listener that loses events notices the gap in the change numbers and reads again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

from adapters.web.ports import LiveEvent
from storage.errors import Unavailable

_LONGEST = 256


class Relay(Protocol):
    """Carries live events between processes; best effort."""

    @property
    def connected(self) -> bool:
        """Whether others' events reach us now."""

    def send(self, channel_id: UUID, external_user_id: str, event: LiveEvent) -> None: ...


class Subscription:
    """One listener's bounded queue."""

    def __init__(self, relay: Relay | None) -> None:
        self._relay = relay
        self._queue: asyncio.Queue[LiveEvent] = asyncio.Queue(_LONGEST)

    def put(self, event: LiveEvent) -> None:
        """Queue an event; when the listener is too slow the oldest is lost."""
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(event)

    async def next(self, within_s: float) -> LiveEvent | None:
        """The next event, or None when none came in time. Raises Unavailable when events cannot reach us."""
        if not self._queue.empty():
            return self._queue.get_nowait()
        try:
            async with asyncio.timeout(within_s):
                return await self._queue.get()
        except TimeoutError:
            if self._relay is not None and not self._relay.connected:
                raise Unavailable("live events are interrupted; poll meanwhile") from None
            return None


class Hub:
    """The live listeners of this process, by visitor."""

    def __init__(self, relay: Relay | None = None) -> None:
        self._relay = relay
        self._listeners: defaultdict[tuple[UUID, str], set[Subscription]] = defaultdict(set)

    def publish(self, channel_id: UUID, external_user_id: str, event: LiveEvent) -> None:
        """Tell everyone who listens to this visitor, here and in other processes."""
        self.deliver(channel_id, external_user_id, event)
        if self._relay is not None:
            self._relay.send(channel_id, external_user_id, event)

    def deliver(self, channel_id: UUID, external_user_id: str, event: LiveEvent) -> None:
        """Tell the listeners of this process."""
        listeners = self._listeners.get((channel_id, external_user_id))
        if listeners:
            for listener in listeners:
                listener.put(event)

    @asynccontextmanager
    async def listen(self, channel_id: UUID, external_user_id: str) -> AsyncIterator[Subscription]:
        """Subscribe to a visitor's events."""
        if self._relay is not None and not self._relay.connected:
            raise Unavailable("live events are interrupted; poll meanwhile")
        key = (channel_id, external_user_id)
        subscription = Subscription(self._relay)
        self._listeners[key].add(subscription)
        try:
            yield subscription
        finally:
            self._listeners[key].discard(subscription)
            if not self._listeners[key]:
                del self._listeners[key]

    def __len__(self) -> int:
        return sum(len(listeners) for listeners in self._listeners.values())
