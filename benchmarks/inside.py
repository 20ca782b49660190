"""Turns without HTTP, in a process of its own: `python -m benchmarks.inside`, or `… bare URL TENANT`.

Each line on its input is an order, as for `benchmarks.load`; a client is a task. Parley's door accepts, its worker
runs the flow and commits, and the turn ends when the client's subscription has the answer. With `among` in an order
each turn is another visitor's: one of `parked-0`, `parked-1` … up to that number, no two clients at once the same one.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, TypeAlias

import orjson
import uvloop

from benchmarks.bare_rows import BareRows, open_pool
from benchmarks.load import TEXTS, WARM_S
from bot.demo import SITE, ensure_demo
from bot.logs import configure_logs
from bot.parts import external_parts
from bot.runtime import Roles, Runtime, open_runtime
from config.settings import Settings
from storage.records import Channel, Inbound, Sender, Sighting, StoredMessage

Say: TypeAlias = Callable[[str, str], Awaitable[None]]
_ANSWER_LIMIT_S = 30.0


class Visitor:
    """Somebody who talks to Parley's own door."""

    def __init__(self, runtime: Runtime, channel: Channel, name: str) -> None:
        self._runtime = runtime
        self._channel = channel
        self._name = name

    @asynccontextmanager
    async def talking(self) -> AsyncIterator[Say]:
        async with self._runtime.hub.listen(self._channel.id, self._name) as listening:

            async def say(key: str, text: str) -> None:
                inbound = Inbound(self._channel, Sighting(self._name), (key,), text, wants_reply=True)
                await self._runtime.door.accept(inbound)
                while True:
                    event = await listening.next(_ANSWER_LIMIT_S)
                    if event is None:
                        raise TimeoutError("no answer")
                    if isinstance(event, StoredMessage) and event.sender is not Sender.USER:
                        return

            yield say


@asynccontextmanager
async def one_after_the_other(runtime: Runtime, channel: Channel, names: list[str]) -> AsyncIterator[Say]:
    """Says each thing as another of these visitors, all of them in a random order before one comes again."""
    visitors = cycle(random.sample(names, len(names)))

    async def say(key: str, text: str) -> None:
        async with Visitor(runtime, channel, next(visitors)).talking() as say_it:
            await say_it(key, text)

    yield say


async def talk(
    say: Say, texts: tuple[str, ...], begins: float, ends: float, most: int
) -> tuple[list[float], int]:
    """Turn after turn until `ends` or `most`: how long those took that ended after `begins`, and how many in all."""
    prefix, took, count = secrets.token_hex(6), [], 0
    started = time.perf_counter()
    while started < ends and count < most:
        await say(f"{prefix}{count}", texts[count % len(texts)])
        ended = time.perf_counter()
        if ended > begins:
            took.append((ended - started) * 1000)
        started = ended
        count += 1
    return took, count


async def carry_out(order: dict[str, Any], speakers: Callable[[int], Any]) -> dict[str, Any]:
    """Let so many clients talk side by side; `names` makes them those visitors, `turns` limits them."""
    texts = tuple(order.get("texts", TEXTS))
    begins = time.perf_counter() + (0.0 if "turns" in order else WARM_S)
    ends = begins + order.get("seconds", 600.0)

    async def one(number: int) -> tuple[list[float], int]:
        async with speakers(number) as say:
            return await talk(say, texts, begins, ends, order.get("turns", 10**9))

    cpu = time.process_time()
    talks = await asyncio.gather(*(one(number) for number in range(order["clients"])))
    seconds = order["seconds"] if "seconds" in order else time.perf_counter() - begins
    turns = sum(count for _, count in talks)
    return {
        "seconds": seconds,
        "cpu_ms": (time.process_time() - cpu) / turns * 1000,
        "ms": [ms for took, _ in talks for ms in took],
    }


@asynccontextmanager
async def parley() -> AsyncIterator[Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]:
    settings = Settings.load()
    configure_logs(settings.parley_log_format)
    async with open_runtime(external_parts(settings), Roles(), {}) as runtime:
        await ensure_demo(runtime)
        channel = await runtime.channels.find("web", SITE)
        assert channel is not None

        async def answer(order: dict[str, Any]) -> dict[str, Any]:
            if among := order.get("among"):
                parked = [f"parked-{number}" for number in range(among)]
                return await carry_out(
                    order,
                    lambda number: one_after_the_other(runtime, channel, parked[number :: order["clients"]]),
                )
            names = order.get("names") or [secrets.token_hex(6) for _ in range(order["clients"])]
            return await carry_out(order, lambda number: Visitor(runtime, channel, names[number]).talking())

        yield answer


@asynccontextmanager
async def bare(
    url: str, tenant_id: str
) -> AsyncIterator[Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]]:
    pool = await open_pool(url)
    rows = BareRows(pool, tenant_id)

    @asynccontextmanager
    async def speaker(number: int) -> AsyncIterator[Say]:
        async def say(key: str, text: str) -> None:
            await rows.turn(number, key, text)

        yield say

    yield lambda order: carry_out(order, speaker)
    await pool.close()


async def main(arguments: list[str]) -> None:
    async with bare(arguments[1], arguments[2]) if arguments else parley() as answer:
        while line := await asyncio.to_thread(sys.stdin.buffer.readline):
            result = await answer(orjson.loads(line))
            sys.stdout.buffer.write(orjson.dumps(result) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:]))
