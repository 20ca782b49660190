"""Receipts, written in batches: one transaction for all that a tenant's deliveries learned within a moment."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from storage.outbox import ClaimedDelivery, Outbox

TOGETHER_S = 0.01


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: ClaimedDelivery
    external_id: str | None
    found: bool
    written: asyncio.Future[bool]


class Receipts:
    """Collects receipts for `together_s` seconds and writes each tenant's at once."""

    def __init__(self, outbox: Outbox, *, together_s: float = TOGETHER_S) -> None:
        self._outbox = outbox
        self._together_s = together_s
        self._waiting: defaultdict[UUID, list[_Waiting]] = defaultdict(list)
        self._writing: set[asyncio.Task[None]] = set()

    async def write(self, delivery: ClaimedDelivery, external_id: str | None, *, found: bool) -> bool:
        """Record that the platform has it, with others of the tenant; returns when that is committed.

        False when the lease was lost meanwhile. Raises Unavailable.
        """
        waiting = self._waiting[delivery.tenant_id]
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.append(_Waiting(delivery, external_id, found, written))
        if len(waiting) == 1:
            task = asyncio.create_task(self._write_soon(delivery.tenant_id))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)
        return await written

    async def _write_soon(self, tenant_id: UUID) -> None:
        await asyncio.sleep(self._together_s)
        batch = self._waiting.pop(tenant_id)
        try:
            settled = await self._outbox.sent(
                tenant_id, [(each.delivery, each.external_id, each.found) for each in batch]
            )
        except Exception as error:
            # Whatever it is, each delivery must learn of it: it decides what comes next.
            for each in batch:
                if not each.written.done():
                    each.written.set_exception(error)
            return
        for each in batch:
            if not each.written.done():
                each.written.set_result(each.delivery.id in settled)
