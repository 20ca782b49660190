"""What is done after an event was acknowledged, best effort: nothing here is owed to anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from adapters.errors import PlatformFailed
from storage.errors import StorageError

log = structlog.get_logger("parley.slack")

MOST_AT_ONCE = 200
LONGEST_S = 30.0


class Errands:
    """Owns the tasks; those still under way at the end of the block are ended.

    More than `most` at once are left out, as is what takes longer than half a minute.
    """

    def __init__(self, *, most: int = MOST_AT_ONCE, longest_s: float = LONGEST_S) -> None:
        self._most = most
        self._longest_s = longest_s
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        """Do `work` in the background; its failure is logged under `name`."""
        if len(self._tasks) >= self._most:
            work.close()
            log.warning("slack_errand_left_out", errand=name)
            return
        task = asyncio.create_task(self._run(name, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, name: str, work: Coroutine[Any, Any, object]) -> None:
        try:
            async with asyncio.timeout(self._longest_s):
                await work
        except PlatformFailed as failed:
            # A workspace may not have the feature; the rest goes on without it.
            log.info("slack_errand_failed", errand=name, code=failed.code, error=str(failed))
        except (StorageError, TimeoutError) as error:
            log.warning("slack_errand_failed", errand=name, error=str(error) or type(error).__name__)
        except Exception as error:
            log.error("slack_errand_failed", errand=name, error=type(error).__name__, exc_info=error)
