"""A process that takes orders: each line on its input is one, as JSON, and each line that it prints what came of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvloop

from benchmarks.errors import BenchmarkError

# A limit for all of an order: one for each turn would be a good part of the generator's own cost.
LATE_S = 30.0
WHOLE_LIMIT_S = 600.0


def obey(carry_out: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
    """Carry out order after order until the input ends. One that fails or takes too long is answered with `error`."""

    async def in_time(order: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(order.get("seconds", WHOLE_LIMIT_S) + LATE_S):
            return await carry_out(order)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            try:
                result = runner.run(in_time(orjson.loads(line)))
            except (BenchmarkError, OSError, TimeoutError) as error:
                result = {"error": f"{type(error).__name__} {error}"}
            sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
            sys.stdout.buffer.flush()
