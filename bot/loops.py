"""The endless tasks of a process, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

_CANCEL_AGAIN_S = 0.5


class Loops:
    """Owns the process's endless tasks; one that ends by an error ends the process."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, loop: Coroutine[Any, Any, None]) -> None:
        """Run `loop` until the process ends."""
        self._tasks.append(self._group.create_task(loop))

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        # Python 3.11's wait_for, inside redis-py, loses a cancellation that comes together with its answer.
        running = {task for task in self._tasks if not task.done()}
        while running:
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=_CANCEL_AGAIN_S)
        try:
            await self._group.__aexit__(*error)  # type: ignore[arg-type]
        except BaseExceptionGroup as failures:
            # What ended the block, or the loop that failed first: one error, which callers catch by its class.
            raise failures.exceptions[0] from failures.exceptions[0].__cause__
