"""The load generator, a process of its own: `python -m benchmarks.load`.

Each line on its input is an order, `{mode, port, clients, seconds}` or `{mode, port, clients, turns}`; each line
that it prints is what came of it. Clients are as many as are asked for, each with one turn under way at a time.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
import uvloop

from benchmarks.clients import Client, connect
from benchmarks.errors import BenchmarkError

# Two turns of one conversation: the flow asks, the answer ends it.
TEXTS = ("order", "3")
WARM_S = 0.4
OPENED_AT_ONCE = 32
# A limit for all of an order: one for each turn would be a good part of the generator's own cost.
LATE_S = 30.0
TURNS_LIMIT_S = 600.0


async def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """Open the clients, let them talk, and tell how long each turn took."""
    clients = [
        client
        for start in range(0, order["clients"], OPENED_AT_ONCE)
        for client in await asyncio.gather(
            *(
                connect(order["mode"], order["port"], number)
                for number in range(start, min(start + OPENED_AT_ONCE, order["clients"]))
            )
        )
    ]
    if "turns" in order:
        begins = time.perf_counter()
        latencies: list[float] = []
        most = order["turns"]
        counts = await asyncio.gather(
            *(_talk(client, latencies, begins, lambda count: count < most) for client in clients)
        )
        seconds = time.perf_counter() - begins
    else:
        begins = time.perf_counter() + WARM_S
        ends = begins + order["seconds"]
        latencies = []
        counts = await asyncio.gather(
            *(_talk(client, latencies, begins, lambda _: time.perf_counter() < ends) for client in clients)
        )
        seconds = order["seconds"]
    for client in clients:
        client.close()
    return {"seconds": seconds, "all_turns": sum(counts), "ms": [round(each * 1000, 3) for each in latencies]}


async def in_time(order: dict[str, Any]) -> dict[str, Any]:
    """Carry out an order. Raises TimeoutError when an answer stays away."""
    async with asyncio.timeout(order.get("seconds", TURNS_LIMIT_S) + LATE_S):
        return await carry_out(order)


async def _talk(client: Client, latencies: list[float], begins: float, goes_on: Callable[[int], bool]) -> int:
    """Turn after turn, how many; those that end before `begins` warm up and are not kept."""
    prefix = secrets.token_hex(6)
    count = 0
    started = time.perf_counter()
    while goes_on(count):
        await client.turn(f"{prefix}{count}", TEXTS[count % 2])
        ended = time.perf_counter()
        if ended > begins:
            latencies.append(ended - started)
        started = ended
        count += 1
    return count


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            try:
                result = runner.run(in_time(orjson.loads(line)))
            except (BenchmarkError, OSError, TimeoutError) as error:
                result = {"error": f"{type(error).__name__} {error}"}
            sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
