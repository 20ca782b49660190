"""Turns per second and latency without HTTP: accept, turn and commit in one process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from benchmarks.bare_rows import seed
from benchmarks.lab import Lab
from benchmarks.report import Cell, Table, percentile

COLUMNS = ("contender", "clients", "turns/s", "of bare", "p50 ms", "p95 ms", "p99 ms", "process CPU")
NOTE = "CPU in milliseconds a turn, that of the clients in the same process included."
BARE, PARLEY = "the same rows, asyncpg alone", "Parley: accept, turn, commit"


async def measure(lab: Lab, *, clients: Sequence[int], rounds: int, seconds: float) -> list[Table]:
    """Both contenders in turn, round after round, on one server."""
    url = await lab.database("inside_bare")
    tenant_id = await seed(url)
    environment = lab.environment(await lab.database("inside"), 4)
    results: defaultdict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    async with (
        lab.start("inside-bare", "benchmarks.inside", "bare", url, tenant_id) as bare,
        lab.start("inside", "benchmarks.inside", environment=environment) as parley,
    ):
        for program in (bare, parley):
            await program.order(clients=32, seconds=1)
        for count in clients:
            for _ in range(rounds):
                for name, program in ((BARE, bare), (PARLEY, parley)):
                    results[count, name].append(await program.order(clients=count, seconds=seconds))
    rows: list[tuple[Cell, ...]] = []
    for (count, name), rounds_of_it in results.items():
        rates = [len(each["ms"]) / each["seconds"] for each in rounds_of_it]
        of_bare = [len(each["ms"]) / each["seconds"] for each in results[count, BARE]]
        ms = [took for each in rounds_of_it for took in each["ms"]]
        cpu = [each["cpu_ms"] for each in rounds_of_it]
        share = median(ours / theirs for ours, theirs in zip(rates, of_bare, strict=True))
        rows.append(
            (
                name,
                count,
                median(rates),
                f"{share:.0%}",
                *(percentile(ms, p) for p in (50, 95, 99)),
                median(cpu),
            )
        )
    return [Table("Without HTTP", COLUMNS, rows, NOTE)]
