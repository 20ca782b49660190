"""The delivery worker: sends each outbox row through its adapter and records the platform's answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import stamina
import structlog

from adapters.contract import Delivery, PushAdapter, StreamingAdapter
from adapters.errors import CannotLookUp, DeliveryFailed
from bot.lanes import Lanes
from storage.errors import NotFound, StorageError, Unavailable
from storage.outbox import ClaimedDelivery, Outbox
from storage.receipts import Receipts
from storage.records import Channel

log = structlog.get_logger("parley.deliveries")

SEND_LIMIT_S = 30.0
# Sending and marking together end before the delivery's lease of a minute.
MARK_AGAIN_S = 25.0
ATTEMPTS = 8
# A platform that tells us to wait has not failed, yet there is a last time for that, too.
MOST_ATTEMPTS = 100
LONGEST_WAIT_S = 300.0


class DeliveryWorker:
    """Delivers in order within a session, many sessions side by side.

    A temporary failure holds the session's lane and a final one releases it. `channel` finds a channel with
    its credentials, `count` is told of each try's result.
    """

    def __init__(
        self,
        outbox: Outbox,
        adapters: Mapping[str, PushAdapter],
        channel: Callable[[UUID, UUID], Awaitable[Channel]],
        count: Callable[[str], None],
        *,
        limit: int = 32,
    ) -> None:
        self._outbox = outbox
        self._receipts = Receipts(outbox)
        self._adapters = adapters
        self._channel = channel
        self._count = count
        self._lanes = Lanes(self._work, limit=limit)

    def wake(self, tenant_id: UUID, session_id: UUID) -> None:
        """Look whether the session has something to send."""
        self._lanes.wake(tenant_id, session_id)

    async def waiting(self, tenant_id: UUID, session_id: UUID) -> int:
        """How many of the session's deliveries are not settled. Raises Unavailable."""
        return await self._outbox.waiting(tenant_id, session_id)

    async def settle(self) -> None:
        """Wait until nothing runs here."""
        await self._lanes.settle()

    async def drain(self, within_s: float) -> None:
        """Finish what is being sent, take nothing new."""
        await self._lanes.drain(within_s)

    async def _work(self, tenant_id: UUID, session_id: UUID) -> None:
        try:
            while not self._lanes.is_closed:
                claimed = await self._outbox.claim(tenant_id, session_id)
                if claimed is None or not await self._deliver(claimed):
                    return
        except StorageError as error:
            log.warning("delivery_interrupted", session=str(session_id), error=str(error))

    async def _deliver(self, claimed: ClaimedDelivery) -> bool:
        """Send one delivery; True when the lane may go on to the next."""
        started = time.perf_counter()
        result = "postponed"
        try:
            result = await self._send(claimed)
        except DeliveryFailed as failure:
            if failure.permanent or _is_last(claimed, told_to_wait=failure.retry_after is not None):
                await self._outbox.failed(claimed, failure.reason)
                result = "failed"
            else:
                await self._postpone(claimed, failure.reason, failure.retry_after, refused=not failure.unsure)
        except Unavailable:
            raise
        except Exception as error:
            # Anything else, a time-out above all, leaves open whether the platform has it.
            log.exception("delivery_error", delivery=str(claimed.id))
            if _is_last(claimed, told_to_wait=False):
                await self._outbox.failed(claimed, type(error).__name__)
                result = "failed"
            else:
                await self._postpone(claimed, type(error).__name__, None, refused=False)
        self._count(result)
        log.info(
            "delivery",
            tenant=str(claimed.tenant_id),
            session=str(claimed.session_id),
            delivery=str(claimed.id),
            attempt=claimed.attempt,
            result=result,
            ms=round((time.perf_counter() - started) * 1000, 1),
        )
        return result != "postponed"

    async def _send(self, claimed: ClaimedDelivery) -> str:
        try:
            channel = await self._channel(claimed.tenant_id, claimed.channel_id)
        except NotFound as error:
            raise DeliveryFailed(str(error), permanent=True) from None
        if channel.platform not in self._adapters:
            raise DeliveryFailed(f"nothing delivers to {channel.platform} here", permanent=True)
        adapter = self._adapters[channel.platform]
        delivery = Delivery(
            str(claimed.id),
            channel,
            claimed.address,
            claimed.thread_key,
            claimed.content,
            claimed.content_type,
            claimed.attempt,
            claimed.created_at,
            claimed.external_id,
            claimed.opening,
        )
        if claimed.came_to_nothing:
            return await self._retract(claimed, adapter, delivery)
        async with asyncio.timeout(SEND_LIMIT_S):
            if claimed.answer_lost:
                try:
                    found = await adapter.find(delivery)
                except CannotLookUp:
                    await self._outbox.label(claimed)
                else:
                    if found is not None:
                        await self._mark(claimed, found.external_id, found=True)
                        return "found"
            receipt = await adapter.send(delivery)
        await self._mark(claimed, receipt.external_id, found=False)
        return "sent"

    async def _retract(self, claimed: ClaimedDelivery, adapter: PushAdapter, delivery: Delivery) -> str:
        """Take back what was shown of a reply that is not said."""
        if isinstance(adapter, StreamingAdapter):
            async with asyncio.timeout(SEND_LIMIT_S):
                await adapter.retract(delivery)
        await self._outbox.retracted(claimed)
        return "retracted"

    async def _mark(self, claimed: ClaimedDelivery, external_id: str | None, *, found: bool) -> None:
        """Record that the platform has it; again while Postgres is away, or it would be sent twice."""
        async for attempt in stamina.retry_context(on=Unavailable, attempts=None, timeout=MARK_AGAIN_S):
            with attempt:
                await self._receipts.write(claimed, external_id, found=found)

    async def _postpone(
        self, claimed: ClaimedDelivery, reason: str, retry_after: float | None, *, refused: bool
    ) -> None:
        wait = retry_after if retry_after is not None else min(2.0**claimed.attempt, LONGEST_WAIT_S)
        await self._outbox.postpone(
            claimed, timedelta(seconds=wait), reason, refused=refused, told_to_wait=retry_after is not None
        )
        asyncio.get_running_loop().call_later(wait + 0.05, self.wake, claimed.tenant_id, claimed.session_id)


def _is_last(claimed: ClaimedDelivery, *, told_to_wait: bool) -> bool:
    return claimed.attempt >= MOST_ATTEMPTS or (not told_to_wait and claimed.failures + 1 >= ATTEMPTS)
