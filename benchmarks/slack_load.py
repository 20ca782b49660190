"""Posts signed events, as a process of its own: `python -m benchmarks.slack_load WORKSPACE_FILE`.

An order is `{port, first}` with one of

- `{clients, seconds}`: each client posts its next event when its last one was acknowledged,
- `{clients, events}`: so many in all,
- `{rate, seconds}`: so many a second, whether or not the ones before were acknowledged. An acknowledgement's time
  counts from the moment when its event was due, so that whatever holds one up counts for all that wait behind it.

Events are numbered from `first` on; the answer's `sent` were posted and acknowledged with a 2xx, every one of them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.orders import obey
from benchmarks.slack_events import Workspace, event, signed
from benchmarks.wire import Connection

PATH = "/slack/events"


class SlackLoad:
    """Carries out orders for one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        """Post events. Raises Unexpected for one that is refused."""
        numbers = count(order["first"])
        ms: list[float] = []
        started = time.perf_counter()
        try:
            if "rate" in order:
                await self._at_rate(order["port"], numbers, order["rate"], order["seconds"], ms)
            else:
                goes_on = (
                    _until(started + order["seconds"]) if "seconds" in order else _times(order["events"])
                )
                async with asyncio.TaskGroup() as group:
                    for _ in range(order["clients"]):
                        group.create_task(self._client(order["port"], numbers, goes_on, ms))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "sent": len(ms), "ms": [round(each, 3) for each in ms]}

    async def _client(
        self, port: int, numbers: Iterator[int], goes_on: Callable[[], bool], ms: list[float]
    ) -> None:
        connection = await Connection.to(port)
        while goes_on():
            await self._post(connection, next(numbers), time.perf_counter(), ms)
        connection.close()

    async def _at_rate(
        self, port: int, numbers: Iterator[int], rate: float, seconds: float, ms: list[float]
    ) -> None:
        """One connection for each event under way."""
        idle: list[Connection] = []

        async def post(number: int, due: float) -> None:
            connection = idle.pop() if idle else await Connection.to(port)
            await self._post(connection, number, due, ms)
            idle.append(connection)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for position in range(round(rate * seconds)):
                due = started + position / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(post(next(numbers), due))
        for connection in idle:
            connection.close()

    async def _post(self, connection: Connection, number: int, due: float, ms: list[float]) -> None:
        body = event(self._workspace, number)
        await connection.ask("POST", PATH, signed(self._workspace, body, int(time.time())), body)
        ms.append((time.perf_counter() - due) * 1000)


def _until(ends: float) -> Callable[[], bool]:
    return lambda: time.perf_counter() < ends


def _times(most: int) -> Callable[[], bool]:
    left = iter(range(most))
    return lambda: next(left, None) is not None


if __name__ == "__main__":
    obey(SlackLoad(Workspace.read(Path(sys.argv[1]).read_bytes())).carry_out)
