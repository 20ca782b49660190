"""Short tasks beside the work: each has an owner, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

END_WITHIN_S = 2.0


class Tasks:
    """Owns tasks that end by themselves and never by an error; `len` tells how many are under way.

    At the end of the block they have `end_within_s`, then they are cancelled.
    """

    def __init__(self, *, end_within_s: float = END_WITHIN_S) -> None:
        self._end_within_s = end_within_s
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do `work` in the background."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=self._end_within_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
