"""What others feel of one session that is stuck: their p95 beside it and without it, in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median

import orjson

from benchmarks.clients import PollingClient, connect
from benchmarks.errors import Unexpected
from benchmarks.lab import Lab
from benchmarks.load import WARM_S
from benchmarks.programs import Program
from benchmarks.report import Table, Verdict, percentile

CLIENTS = 8
MOST_SLOWER = 0.10
_COLUMNS = ("8 clients, POST, pushed", "p50 ms", "p95 ms", "p99 ms")
_QUEUED_BEHIND = 5


async def measure(lab: Lab, *, rounds: int, seconds: float) -> tuple[list[Table], list[Verdict]]:
    """The table of both, and whether the others' p95 grew by less than a tenth."""
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    environment = lab.environment(await lab.database("blocked"), 5)
    async with (
        lab.start("load", "benchmarks.load") as load,
        lab.start("serve", "benchmarks.serve", environment=environment) as server,
    ):
        await server.serving()
        await load.order(mode="push", port=server.port, clients=CLIENTS, seconds=1)
        for _ in range(rounds):
            alone.append(await _talk(load, server, seconds))
            async with _stuck_session(server.port, seconds):
                beside.append(await _talk(load, server, seconds))
    slower = median(
        percentile(theirs, 95) / percentile(ours, 95) for theirs, ours in zip(beside, alone, strict=True)
    )
    table = Table(
        "Beside a stuck session",
        _COLUMNS,
        [
            (name, *(median(percentile(ms, p) for ms in each) for p in (50, 95, 99)))
            for name, each in (("alone", alone), ("beside a session that is stuck", beside))
        ],
        f"Its flow waits for all of the round, and {_QUEUED_BEHIND} messages behind it. Medians of {rounds} rounds.",
    )
    verdict = Verdict(
        "8 clients beside a stuck session: their p95",
        f"{slower - 1:+.0%}",
        f"< {MOST_SLOWER:+.0%}",
        slower < 1 + MOST_SLOWER,
    )
    return [table], [verdict]


async def _talk(load: Program, server: Program, seconds: float) -> list[float]:
    result = await load.order(mode="push", port=server.port, clients=CLIENTS, seconds=seconds)
    ms: list[float] = result["ms"]
    return ms


@asynccontextmanager
async def _stuck_session(port: int, seconds: float) -> AsyncIterator[None]:
    """A session that waits for longer than the block takes, with messages behind. Raises Unexpected if it did not."""
    waits = round(seconds + WARM_S) + 2
    visitor = await connect("poll", port, 0)
    assert isinstance(visitor, PollingClient)
    try:
        await visitor.turn("ask", "wait")
        reply_id = orjson.loads(await visitor.post("wait", str(waits)))["reply_id"]
        for number in range(_QUEUED_BEHIND):
            await visitor.post(f"behind{number}", "order")
        yield
        if b'"status":"pending"' not in await visitor.look(reply_id):
            raise Unexpected("the session that should be stuck has gone on")
        await visitor.look(reply_id, wait_s=20)
    finally:
        visitor.close()
