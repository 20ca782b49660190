"""The slow fallback of workers: looks for lanes that no wake-up told of, or that a dead worker left."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from storage.errors import StorageError

log = structlog.get_logger("parley.polling")

EVERY_S = 2.0
BATCH = 200


async def poll(
    due: Callable[[int], Awaitable[Sequence[tuple[UUID, UUID]]]],
    wake: Callable[[UUID, UUID], None],
    *,
    every_s: float = EVERY_S,
) -> None:
    """Runs for as long as the process: wakes what is due, at once at start and then now and then."""
    failing = False
    while True:
        try:
            for tenant_id, session_id in await due(BATCH):
                wake(tenant_id, session_id)
            if failing:
                log.info("polling_again")
            failing = False
        except StorageError as error:
            # Once for each outage: the next try is seconds away.
            if not failing:
                log.warning("polling_failed", error=str(error))
            failing = True
        except Exception:
            log.exception("polling_failed")
        # Workers that start together should not look together.
        await asyncio.sleep(every_s * random.uniform(0.75, 1.25))  # noqa: S311
