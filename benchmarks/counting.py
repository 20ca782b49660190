"""Commits and round trips a turn, counted on the wire while one client talks."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg

from benchmarks.lab import Lab
from benchmarks.programs import Program
from benchmarks.proxy import Counts, counting_proxy
from benchmarks.report import Table, Verdict

COLUMNS = ("way", "writing commits", "transactions", "round trips")
NOTE = (
    "A turn, one client. Writing commits by the server's transaction ids, the others on the wire; what the process "
    "does when idle is taken off."
)
_MODES = {"push": "POST, pushed", "poll": "POST, polled", "socket": "socket only"}


async def measure(lab: Lab, *, turns: int) -> tuple[list[Table], list[Verdict]]:
    """Every kind of client, in one process and with web and worker apart."""
    url = await lab.database("counted")
    server = Path(parse_qs(urlsplit(url).query)["host"][0]) / ".s.PGSQL.5432"
    rows: list[tuple[str | float, ...]] = []
    async with (
        counting_proxy(server, lab.folder / "proxy") as counts,
        lab.start("load", "benchmarks.load") as load,
    ):
        counted = url.replace(quote(str(server.parent)), quote(str(lab.folder / "proxy")))
        environment = lab.environment(counted, 5)
        async with lab.start("counted", "benchmarks.serve", environment=environment) as one:
            await one.serving()
            for mode, name in _MODES.items():
                rows.append((f"one process, {name}", *await _count(lab, counts, load, one, mode, turns)))
        async with (
            lab.start("counted-web", "bot", "web", "--host", "127.0.0.1", environment=environment) as web,
            lab.start("counted-worker", "bot", "worker", environment=environment),
        ):
            await web.serving()
            for mode, name in _MODES.items():
                rows.append((f"web + worker, {name}", *await _count(lab, counts, load, web, mode, turns)))
    commits = float(rows[0][1])
    verdict = Verdict("commits a turn in one process", f"{commits:.2f}", "2", commits < 2.05)
    return [Table("Commits and round trips", COLUMNS, rows, NOTE)], [verdict]


async def _count(
    lab: Lab, counts: Counts, load: Program, server: Program, mode: str, turns: int
) -> tuple[float, float, float]:
    await load.order(mode=mode, port=server.port, clients=1, turns=20)
    # A client more or less: opening one, subscribing included, is counted apart and taken off.
    opening = await _during(lab, counts, load, server, mode, 2)
    talking = await _during(lab, counts, load, server, mode, 2 + turns)
    idle_s = talking[3] - opening[3]
    idle = await _idle(lab, counts, 2.5)
    return tuple(  # type: ignore[return-value]
        (long - short - rate * idle_s) / turns
        for long, short, rate in zip(talking[:3], opening[:3], idle, strict=True)
    )


async def _during(
    lab: Lab, counts: Counts, load: Program, server: Program, mode: str, turns: int
) -> tuple[float, float, float, float]:
    ids, transactions, trips = await _next_id(lab), counts.transactions, counts.round_trips
    result = await load.order(mode=mode, port=server.port, clients=1, turns=turns)
    return (
        await _next_id(lab) - ids,
        counts.transactions - transactions,
        counts.round_trips - trips,
        result["seconds"],
    )


async def _idle(lab: Lab, counts: Counts, seconds: float) -> tuple[float, float, float]:
    ids, transactions, trips = await _next_id(lab), counts.transactions, counts.round_trips
    await asyncio.sleep(seconds)
    return (
        (await _next_id(lab) - ids) / seconds,
        (counts.transactions - transactions) / seconds,
        (counts.round_trips - trips) / seconds,
    )


async def _next_id(lab: Lab) -> int:
    """How many transactions of this server have written so far."""
    connection = await asyncpg.connect(lab.owner_url)
    try:
        return int(await connection.fetchval("select pg_snapshot_xmax(pg_current_snapshot())::text"))
    finally:
        await connection.close()
