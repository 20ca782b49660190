"""The clock: sweeps that depend on the hour. Each is idempotent, so several clocks may run."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from storage.clock import Clock
from storage.errors import StorageError
from storage.sessions import Sessions
from storage.tenants import Tenants

log = structlog.get_logger("parley.clock")

EVERY_S = 60.0
KEYS_KEPT = timedelta(days=8)


class Sweeper:
    """Closes sessions that have fallen silent and forgets old dedupe keys, tenant by tenant."""

    def __init__(self, tenants: Tenants, sessions: Sessions, clock: Clock) -> None:
        self._tenants = tenants
        self._sessions = sessions
        self._clock = clock

    async def sweep(self) -> int:
        """One round over all tenants; returns how many sessions it closed. Raises Unavailable.

        What goes wrong with one tenant is logged and keeps no other from its turn.
        """
        closed = 0
        for tenant in await self._tenants.list_all():
            try:
                closed += await self._sessions.close_silent(tenant.id)
                await self._sessions.forget_keys(tenant.id, self._clock() - KEYS_KEPT)
            except StorageError as error:
                log.warning("sweep_failed", tenant=str(tenant.id), error=str(error))
        return closed

    async def run(self, *, every_s: float = EVERY_S) -> None:
        """Runs for as long as the process."""
        while True:
            try:
                closed = await self.sweep()
                if closed:
                    log.info("sessions_closed", count=closed)
            except StorageError as error:
                log.warning("sweep_failed", error=str(error))
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(every_s)
