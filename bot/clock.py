"""The clock: sweeps that depend on the hour. Each is idempotent, so several clocks may run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import structlog

from storage.clock import Clock
from storage.errors import StorageError
from storage.files import Files
from storage.tenants import Tenants

log = structlog.get_logger("parley.clock")

EVERY_S = 60.0
DAY = timedelta(days=1)

# What is done for one tenant; returns how much there was to do.
Sweep: TypeAlias = Callable[[UUID], Awaitable[int]]


def daily(sweep: Sweep, clock: Clock) -> Sweep:
    """The sweep, done by this process for each tenant once a day: for what looks at everything there is."""
    done: dict[UUID, datetime] = {}

    async def when_due(tenant_id: UUID) -> int:
        now = clock()
        if tenant_id in done and now - done[tenant_id] < DAY:
            return 0
        count = await sweep(tenant_id)
        done[tenant_id] = now
        return count

    return when_due


def file_sweeps(files: Files, clock: Clock) -> dict[str, Sweep]:
    """What keeps the object store clean: uploads that no message named within a day, and objects without a row."""
    return {
        "files_unclaimed": lambda tenant_id: files.sweep_unclaimed(tenant_id, clock() - DAY),
        "files_orphaned": daily(lambda tenant_id: files.sweep(tenant_id, clock() - DAY), clock),
    }


class Sweeper:
    """Does each of the named sweeps for every tenant, round after round."""

    def __init__(self, tenants: Tenants, sweeps: Mapping[str, Sweep]) -> None:
        self._tenants = tenants
        self._sweeps = sweeps

    async def sweep(self) -> dict[str, int]:
        """One round over all tenants; how much each sweep did. Raises Unavailable.

        What goes wrong in one sweep of one tenant is logged and keeps no other from its turn.
        """
        done = dict.fromkeys(self._sweeps, 0)
        for tenant in await self._tenants.list_all():
            for name, sweep in self._sweeps.items():
                try:
                    done[name] += await sweep(tenant.id)
                except StorageError as error:
                    log.warning("sweep_failed", sweep=name, tenant=str(tenant.id), error=str(error))
        return done

    async def run(self, *, every_s: float = EVERY_S) -> None:
        """Runs for as long as the process."""
        while True:
            try:
                done = {name: count for name, count in (await self.sweep()).items() if count}
                if done:
                    log.info("swept", **done)
            except StorageError as error:
                log.warning("sweep_failed", error=str(error))
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(every_s)
