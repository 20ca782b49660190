"""Thousands of sessions in the middle of a form: what they take, and turns among them beside turns among few."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks.errors import Unexpected
from benchmarks.lab import Lab
from benchmarks.programs import Program, resident_mb
from benchmarks.report import Cell, Table, percentile

COLUMNS = (
    "turns, 8 clients",
    "turns/s",
    "of the spine's",
    "of the few",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "process CPU",
)
MEMORY = ("Python process, MB", "its first turns made", "each session once", "after all rounds", "turns")
NOTE = (
    "Without HTTP, each in a process and a database of its own, in turn. A parked session is answered and waits at "
    "the form's next question; each turn is another session's, at random. Shares are medians of the rounds' own."
)
CLIENTS = 8
FEW = 16
FIELDS = 10
_PARK = Path(__file__).parent / "park.sql"


async def measure(lab: Lab, *, sessions: int, rounds: int, seconds: float) -> list[Table]:
    """Few and many, round after round, with the spine's two-turn conversation beside them."""
    urls = {count: await lab.database(f"parked_{count}") for count in (FEW, sessions)}
    spine, few, many = "the spine's conversation", f"{FEW} parked sessions", f"{sessions:,} parked sessions"
    results: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    weights: dict[str, list[float]] = {few: [], many: []}
    environment = lab.environment(await lab.database("parked_none"), 9)
    async with (
        lab.start("none", "benchmarks.inside", environment=environment) as none,
        lab.start("few", "benchmarks.inside", environment=lab.environment(urls[FEW], 7)) as one,
        lab.start("many", "benchmarks.inside", environment=lab.environment(urls[sessions], 8)) as filled,
    ):
        programs = {few: (one, FEW), many: (filled, sessions)}
        grown_kb = 0.0
        for name, (program, count) in programs.items():
            grown_kb = await _park(program, urls[count], count)
            weights[name].append(resident_mb(program.pid))
            await _answer(program, among=count, turns=count // CLIENTS)
            weights[name].append(resident_mb(program.pid))
        for number in range(rounds):
            results[spine].append(await none.order(clients=CLIENTS, seconds=seconds))
            # Who comes right after whom is no advantage to either.
            for name in (few, many) if number % 2 == 0 else (many, few):
                program, count = programs[name]
                results[name].append(await _answer(program, among=count, seconds=seconds))
        for name, (program, count) in programs.items():
            weights[name].append(resident_mb(program.pid))
            await _still_parked(urls[count], count)
    rates = {name: [len(each["ms"]) / each["seconds"] for each in took] for name, took in results.items()}
    rows: list[tuple[Cell, ...]] = []
    for name, took in results.items():
        ms = [each for result in took for each in result["ms"]]
        shares = [
            median(ours / theirs for ours, theirs in zip(rates[name], rates[other], strict=True))
            for other in (spine, few)
        ]
        rows.append(
            (
                name,
                median(rates[name]),
                *(f"{share:.0%}" for share in shares),
                *(percentile(ms, percent) for percent in (50, 95, 99)),
                median(result["cpu_ms"] for result in took),
            )
        )
    weighed: list[tuple[Cell, ...]] = [
        (name, *weighings, sum(len(each["ms"]) for each in results[name]))
        for name, weighings in weights.items()
    ]
    return [
        Table("Turns among parked sessions", COLUMNS, rows, NOTE),
        Table(
            "Memory by parked sessions",
            MEMORY,
            weighed,
            f"A parked session takes {grown_kb:.1f} KB in Postgres, messages and indexes included.",
        ),
    ]


async def _park(program: Program, url: str, sessions: int) -> float:
    """Park one visitor at each question of the form by real turns, and copy them; KB that a copy takes."""
    for answers in range(FIELDS):
        await program.order(
            clients=1, turns=answers + 1, texts=["form", *["7"] * answers], names=[f"form-{answers}"]
        )
    owner = await asyncpg.connect(url)
    try:
        before = await owner.fetchval("select pg_database_size(current_database())")
        await owner.execute("select set_config('bench.sessions', $1, false)", str(sessions))
        await owner.execute(_PARK.read_text(encoding="utf-8"))
        after = await owner.fetchval("select pg_database_size(current_database())")
        await owner.execute("vacuum analyze")
    finally:
        await owner.close()
    return float(after - before) / 1000 / sessions


async def _answer(program: Program, **order: Any) -> dict[str, Any]:
    return await program.order(clients=CLIENTS, texts=["7"], **order)


async def _still_parked(url: str, sessions: int) -> None:
    """Raises Unexpected if a session fell out of its form, so that something else was measured."""
    owner = await asyncpg.connect(url)
    try:
        parked = await owner.fetchval(
            "select count(*) from conversation_state c"
            " join sessions s on s.tenant_id = c.tenant_id and s.id = c.session_id"
            " join users u on u.tenant_id = s.tenant_id and u.id = s.user_id"
            " where u.external_id like 'parked-%' and c.flow = 'form' and c.state_name is not null"
        )
    finally:
        await owner.close()
    if parked != sessions:
        raise Unexpected(f"{parked} of {sessions} sessions are still in their form")
