"""The door for named events: what an API call, another session or a job tells a conversation that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flows.values import encode
from storage.events import Events, Posted


class EventDoor:
    """Stores events; `wake` has whoever works look at the session."""

    def __init__(self, events: Events, wake: Callable[[UUID, UUID], None]) -> None:
        self._events = events
        self._wake = wake

    async def send_event(
        self, tenant_id: UUID, session_id: UUID, name: str, value: Any = None, *, key: str
    ) -> Posted:
        """Tell a session that something happened, once a `key`; returning is the promise that it is not lost.

        `value` is JSON, or holds date, datetime, Decimal and UUID. Raises Unrecordable, and Unavailable:
        send it again then, with the same key.
        """
        posted = await self._events.post(tenant_id, session_id, name, encode(value, f"event {name}"), key=key)
        if posted is Posted.ACCEPTED:
            self._wake(tenant_id, session_id)
        return posted
