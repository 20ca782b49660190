"""Memory of `parley run`: idle, with 10,000 sessions, under load."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from benchmarks.lab import BOTS, Lab, run_parley
from benchmarks.programs import Program, child_named, resident_mb, shared_out_mb
from benchmarks.report import Table, Verdict
from benchmarks.serve import MESSAGES_PER_MINUTE
from storage.embedded.servers import addresses_in

COLUMNS = ("moment", "Python process", "Postgres", "Redis")
NOTE = "MB. Python: resident set. Postgres with all its processes and Redis: proportional set (PSS)."
AT_ONCE = 200
LOAD_CLIENTS = 32
SETTLE_S = 3


async def measure(lab: Lab, *, sessions: int, seconds: float) -> tuple[list[Table], list[Verdict]]:
    """Three moments of one process, with servers of its own, as a newcomer has it."""
    folder = lab.folder / "memory"
    async with run_parley(folder, BOTS):
        await _lift_limit(folder)
    async with run_parley(folder, BOTS) as parley, lab.start("load", "benchmarks.load") as load:
        await asyncio.sleep(SETTLE_S)
        idle = _weigh(parley)
        for _ in range(sessions // AT_ONCE):
            await load.order(mode="poll", port=parley.port, clients=AT_ONCE, turns=1)
        many = _weigh(parley)
        loading = asyncio.create_task(
            load.order(mode="push", port=parley.port, clients=LOAD_CLIENTS, seconds=seconds)
        )
        loaded = many
        while not loading.done():
            await asyncio.sleep(0.25)
            loaded = max(loaded, _weigh(parley))
        await loading
    rows = [("idle", *idle), (f"{sessions:,} sessions", *many), (f"{LOAD_CLIENTS} clients, highest", *loaded)]
    verdict = Verdict("memory idle", f"{idle[0]:.0f} MB", "< 150 MB", idle[0] < 150)
    return [Table("Memory", COLUMNS, rows, NOTE)], [verdict]


def _weigh(parley: Program) -> tuple[float, float, float]:
    postgres, redis = child_named(parley.pid, "postgres"), child_named(parley.pid, "redis")
    return resident_mb(parley.pid), shared_out_mb(postgres), shared_out_mb(redis)


async def _lift_limit(folder: Path) -> None:
    """As in `serve.py`, from outside; the process that starts next reads it."""
    connection = await asyncpg.connect(addresses_in(folder / "var").owner_url)
    try:
        await connection.execute(
            "update channels set settings = jsonb_build_object('messages_per_minute', $1::int)",
            MESSAGES_PER_MINUTE,
        )
    finally:
        await connection.close()
