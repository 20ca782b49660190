"""Receipts, written in batches: one transaction for what a tenant's deliveries learned during the one before."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from storage.outbox import ClaimedDelivery, Outbox


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: ClaimedDelivery
    external_id: str | None
    found: bool
    written: asyncio.Future[bool]


class Receipts:
    """Writes a receipt at once, and those that come in while one is written together after it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiting: defaultdict[UUID, list[_Waiting]] = defaultdict(list)
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    async def write(self, delivery: ClaimedDelivery, external_id: str | None, *, found: bool) -> bool:
        """Record that the platform has it, with others of the tenant; returns when that is committed.

        False when the lease was lost meanwhile. Raises Unavailable.
        """
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[delivery.tenant_id].append(_Waiting(delivery, external_id, found, written))
        if delivery.tenant_id not in self._writing:
            self._writing[delivery.tenant_id] = asyncio.create_task(self._write_all(delivery.tenant_id))
        return await written

    async def _write_all(self, tenant_id: UUID) -> None:
        while batch := self._waiting.pop(tenant_id, None):
            try:
                settled = await self._outbox.sent(
                    tenant_id, [(each.delivery, each.external_id, each.found) for each in batch]
                )
            except Exception as error:
                # Whatever it is, each delivery must learn of it: it decides what comes next.
                for each in batch:
                    if not each.written.done():
                        each.written.set_exception(error)
            else:
                for each in batch:
                    if not each.written.done():
                        each.written.set_result(each.delivery.id in settled)
        del self._writing[tenant_id]
