"""Turns per second and latency through HTTP, every contender in turn, round after round."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

from benchmarks.bare_rows import seed
from benchmarks.lab import Lab
from benchmarks.pgbench import run_pgbench
from benchmarks.programs import Program, cpu_seconds
from benchmarks.report import Cell, Table, Verdict, percentile

COLUMNS = (
    "contender",
    "clients",
    "turns/s",
    "of (a)",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "server CPU",
    "Postgres CPU",
)
NOTE = "CPU in milliseconds a turn. Rates are medians over rounds, in which the contenders take turns."
BARE, PGBENCH = "(a) bare webhook", "(b) pgbench"
PUSH, POLL, SOCKET, APART = "POST, pushed", "POST, polled", "socket only", "web + worker, pushed"


@dataclass(frozen=True, slots=True)
class Contender:
    """How to load one: by which kind of client, on which port, and whose CPU counts."""

    mode: str
    port: int
    pids: tuple[int, ...]


@dataclass(slots=True)
class Tally:
    """What the rounds of one contender at one number of clients came to."""

    rates: list[float] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    postgres_ms: list[float] = field(default_factory=list)

    def add(
        self, ms: Sequence[float], seconds: float, server_s: float, postgres_s: float, turns: float
    ) -> None:
        self.rates.append(len(ms) / seconds)
        self.ms += ms
        self.server_ms.append(server_s / turns * 1000)
        self.postgres_ms.append(postgres_s / turns * 1000)


async def measure(
    lab: Lab, *, clients: Sequence[int], rounds: int, seconds: float
) -> tuple[list[Table], list[Verdict]]:
    """The table of all contenders, and what became of the targets."""
    tallies: defaultdict[tuple[int, str], Tally] = defaultdict(Tally)
    bare_url = await lab.database("bare")
    tenant_id = await seed(bare_url)
    async with (
        lab.start("load", "benchmarks.load") as load,
        contenders(lab, bare_url, tenant_id) as all_of_them,
    ):
        for contender in all_of_them.values():
            # Connections are opened and plans made when there is load: before anything is measured.
            await load.order(mode=contender.mode, port=contender.port, clients=32, seconds=1)
        for count in clients:
            for _ in range(rounds):
                for name, contender in all_of_them.items():
                    await _one_round(lab, load, contender, count, seconds, tallies[count, name])
                before = cpu_seconds(lab.postgres_pid)
                ms = await run_pgbench(bare_url, tenant_id, lab.folder, clients=count, seconds=seconds)
                await asyncio.sleep(0.2)  # until the server has taken note of its ended processes
                used = cpu_seconds(lab.postgres_pid) - before
                tallies[count, PGBENCH].add(ms, max(1, round(seconds)), 0.0, used, len(ms))
    return [Table("Through HTTP", COLUMNS, _rows(tallies), NOTE)], _verdicts(tallies)


@asynccontextmanager
async def contenders(lab: Lab, bare_url: str, tenant_id: str) -> AsyncIterator[dict[str, Contender]]:
    """Every contender's processes, running side by side on one server."""
    async with AsyncExitStack() as stack:

        async def run(name: str, *arguments: str, environment: dict[str, str] | None = None) -> Program:
            return await stack.enter_async_context(lab.start(name, *arguments, environment=environment))

        together = lab.environment(await lab.database("together"), 1)
        apart = lab.environment(await lab.database("apart"), 2)
        one = await (await run("together", "benchmarks.serve", environment=together)).serving()
        # The demo tenant is made by a process that ends; `web` and `worker` make none.
        async with lab.start("apart", "benchmarks.serve", environment=apart) as founder:
            await founder.serving()
        web = await (await run("web", "bot", "web", "--host", "127.0.0.1", environment=apart)).serving()
        worker = await run("worker", "bot", "worker", environment=apart)
        port = one.port
        bare = await _bare_webhook(stack, lab, bare_url, tenant_id)
        yield {
            BARE: Contender("bare", bare.port, (bare.pid,)),
            PUSH: Contender("push", port, (one.pid,)),
            POLL: Contender("poll", port, (one.pid,)),
            SOCKET: Contender("socket", port, (one.pid,)),
            APART: Contender("push", web.port, (web.pid, worker.pid)),
        }


async def _bare_webhook(stack: AsyncExitStack, lab: Lab, bare_url: str, tenant_id: str) -> Program:
    """The bare webhook, serving."""
    program = lab.start("bare", "benchmarks.bare", bare_url, tenant_id)
    return await (await stack.enter_async_context(program)).serving()


async def _one_round(
    lab: Lab, load: Program, contender: Contender, clients: int, seconds: float, tally: Tally
) -> None:
    server, postgres = cpu_seconds(*contender.pids), cpu_seconds(lab.postgres_pid)
    result = await load.order(mode=contender.mode, port=contender.port, clients=clients, seconds=seconds)
    tally.add(
        result["ms"],
        result["seconds"],
        cpu_seconds(*contender.pids) - server,
        cpu_seconds(lab.postgres_pid) - postgres,
        result["all_turns"],
    )


def _rows(tallies: dict[tuple[int, str], Tally]) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for (count, name), tally in tallies.items():
        ms, bare = tally.ms, tallies[count, BARE]
        rows.append(
            (
                name,
                count,
                median(tally.rates),
                f"{ratio(tally, bare):.0%}",
                percentile(ms, 50),
                percentile(ms, 95),
                percentile(ms, 99),
                None if name == PGBENCH else median(tally.server_ms),
                median(tally.postgres_ms),
            )
        )
    return rows


def ratio(tally: Tally, bare: Tally) -> float:
    """The median of the rounds' own ratios: neighbours on the machine disturb both sides of a round alike."""
    return median(ours / theirs for ours, theirs in zip(tally.rates, bare.rates, strict=True))


def _verdicts(tallies: dict[tuple[int, str], Tally]) -> list[Verdict]:
    if (8, PUSH) not in tallies:
        return []
    verdicts = []
    for name in (PUSH, POLL, SOCKET):
        tally = tallies[8, name]
        share, p99 = ratio(tally, tallies[8, BARE]), percentile(tally.ms, 99)
        verdicts.append(
            Verdict(f"8 clients, {name}: share of (a)", f"{share:.0%}", "≥ 50 %, better 75 %", share >= 0.5)
        )
        verdicts.append(Verdict(f"8 clients, {name}: p99", f"{p99:.1f} ms", "< 25 ms", p99 < 25))
    return verdicts
