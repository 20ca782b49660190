"""Where a turn's time goes in Parley's own process: samples under eight clients."""

from __future__ import annotations

import orjson

from benchmarks.lab import Lab
from benchmarks.programs import cpu_seconds
from benchmarks.report import Table

CLIENTS = 8
_FUNCTIONS = 25


async def measure(lab: Lab, *, seconds: float, modes: tuple[str, ...] = ("push", "poll")) -> list[Table]:
    """For each kind of client the CPU by package and the functions that take most of it."""
    tables = []
    for mode in modes:
        written = lab.folder / f"profile-{mode}.json"
        environment = lab.environment(await lab.database(f"profile_{mode}"), 3)
        async with (
            lab.start("load", "benchmarks.load") as load,
            lab.start("profiled", "benchmarks.serve", str(written), environment=environment) as server,
        ):
            await server.serving()
            await load.order(mode=mode, port=server.port, clients=CLIENTS, seconds=1)
            before = cpu_seconds(server.pid)
            result = await load.order(mode=mode, port=server.port, clients=CLIENTS, seconds=seconds)
            cost_ms = (cpu_seconds(server.pid) - before) / result["all_turns"] * 1000
        profile = orjson.loads(written.read_bytes())
        shares = [(name, count / profile["samples"]) for name, count in profile["packages"]]
        tables.append(
            Table(
                f"CPU of the server by package, {mode}",
                ("package", "share", "ms a turn"),
                [(name, f"{share:.1%}", cost_ms * share) for name, share in shares if share >= 0.005],
                f"{cost_ms:.2f} ms of CPU a turn, the profiler's own part included.",
            )
        )
        tables.append(
            Table(
                f"CPU of the server by function, {mode}",
                ("function", "share"),
                [(name, f"{n / profile['samples']:.1%}") for name, n in profile["functions"][:_FUNCTIONS]],
            )
        )
    return tables
