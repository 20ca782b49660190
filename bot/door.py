"""The one door: every inbound event is stored here, shown to whoever listens, and handed to a worker."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from bot.live import Hub
from bot.turns import TurnWorker
from storage.records import Accepted, Duplicate, Inbound
from storage.turns import TurnStore


class Door:
    """Accepts inbound events; returning is the promise that nothing of them is lost.

    `worker` is this process's, if it has one: then the claim rides on accepting, and when it is full the session
    waits for a place there. Otherwise `wake` tells another process. `overtake` is told of a message, by its session and
    its position there, behind which a turn may be running.
    """

    def __init__(
        self,
        store: TurnStore,
        hub: Hub,
        worker: TurnWorker | None,
        wake: Callable[[UUID, UUID], None],
        overtake: Callable[[UUID, int], None],
    ) -> None:
        self._store = store
        self._hub = hub
        self._worker = worker
        self._wake = wake
        self._overtake = overtake

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        """Store one event, once. Raises Unavailable; the platform then sends it again."""
        claims = self._worker is not None and self._worker.reserve()
        turn = None
        try:
            accepted = await self._store.accept(inbound, claim=claims)
            if isinstance(accepted, Accepted):
                turn = accepted.turn
        finally:
            if self._worker is not None and claims:
                self._worker.take(turn)
        if isinstance(accepted, Accepted):
            self._hub.publish(inbound.channel.id, inbound.user.external_id, accepted.message)
            if accepted.turn is None:
                self._overtake(accepted.session_id, accepted.position)
            if not claims:
                wake = self._wake if self._worker is None else self._worker.wake
                wake(inbound.channel.tenant_id, accepted.session_id)
        return accepted
