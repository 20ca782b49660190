"""The load generator, a process of its own: `python -m benchmarks.load`.

Each line on its input is an order, `{mode, port, clients, seconds}` or `{mode, port, clients, turns}`; each line
that it prints is what came of it. Clients are as many as are asked for, each with one turn under way at a time.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any

from benchmarks.clients import Client, connect
from benchmarks.orders import obey

# Two turns of one conversation: the flow asks, the answer ends it.
TEXTS = ("order", "3")
WARM_S = 0.4
OPENED_AT_ONCE = 32


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


if __name__ == "__main__":
    obey(carry_out)
