"""Slack's events while the model hangs: how many are taken and how soon they are acknowledged, beside plain Bolt apps.

Everything that Parley acknowledges is a row by then, on disk; a Bolt app acknowledges before it does anything, and
what it has not done when it ends is lost.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import asyncpg

from benchmarks.errors import Unexpected
from benchmarks.lab import Lab
from benchmarks.report import Table, Verdict
from benchmarks.slack_contenders import CLIENTS, HANGS_S, contenders
from benchmarks.slack_events import Workspace, stamp
from benchmarks.slack_figures import PARLEY, Outcome, Tally, loads_table, outcomes_table, verdicts
from bot.emulators.model.server import ModelEmulator

# As many turns as a process runs at once.
FIRST = 256
REPEATED = 100
_ASKED_WITHIN_S = 30.0

Order: TypeAlias = dict[str, float]


async def measure(
    lab: Lab, *, rounds: int, seconds: float, rates: Mapping[int, float]
) -> tuple[list[Table], list[Verdict]]:
    """The tables of loads and of what became of the events. `rates` are events a second, each for so many seconds.

    Raises Unexpected unless each event is a row, once.
    """
    first: dict[str, Order] = {f"the first {FIRST}": {"clients": CLIENTS, "events": FIRST}}
    loads: dict[str, Order] = {
        f"{rate} a second": {"rate": rate, "seconds": lasting} for rate, lasting in rates.items()
    }
    loads[f"{CLIENTS} clients"] = {"clients": CLIENTS, "seconds": seconds}
    tallies: defaultdict[tuple[str, str], Tally] = defaultdict(Tally)
    await _run(lab, "slack_first", first, 1, tallies)
    outcomes = await _run(lab, "slack", loads, rounds, tallies)
    tables = [loads_table(tallies, rounds), outcomes_table(outcomes, REPEATED, HANGS_S)]
    return tables, verdicts(tallies)


async def _run(
    lab: Lab, database: str, loads: Mapping[str, Order], rounds: int, tallies: dict[tuple[str, str], Tally]
) -> dict[str, Outcome]:
    """All loads on new servers, the contenders in turn; what became of the events."""
    owner_url = await lab.database(database)
    async with ModelEmulator() as model, contenders(lab, owner_url, model) as apps:
        parley = apps[PARLEY]
        for each in apps.values():
            # Connections are opened, plans made and models loaded: before anything is measured.
            await each.take(clients=CLIENTS, events=CLIENTS)
        await _all_hang(model, parley.sent)
        for _ in range(rounds):
            for load, order in loads.items():
                for name, each in apps.items():
                    await each.take(tallies[load, name], **order)
        # Slack posts again what it takes for lost.
        await parley.repeat(REPEATED)
        rows = await _rows(owner_url)
        check_rows(parley.workspace, parley.sent, rows)
        return {
            name: Outcome(each.sent, len(rows) if each is parley else 0, await each.echoed())
            for name, each in apps.items()
        }


async def _all_hang(model: ModelEmulator, turns: int) -> None:
    """Wait until so many turns have asked the model. Raises Unexpected."""
    try:
        async with asyncio.timeout(_ASKED_WITHIN_S):
            while len(model.requests) < turns:
                model.arrived.clear()
                await model.arrived.wait()
    except TimeoutError:
        raise Unexpected(f"of {turns} turns {len(model.requests)} asked the model that is to hang") from None


def check_rows(workspace: Workspace, sent: int, rows: Sequence[str]) -> None:
    """Each event is a row, once. Raises Unexpected."""
    wanted = {stamp(workspace, number) for number in range(sent)}
    if missing := len(wanted - set(rows)):
        raise Unexpected(f"{missing} of {sent} acknowledged events are no rows")
    if (doubled := len(rows) - sent) > 0:
        raise Unexpected(f"{doubled} rows too many for {sent} events")


async def _rows(owner_url: str) -> list[str]:
    """Which messages of persons there are, by Slack's timestamp, as the owner sees them."""
    connection = await asyncpg.connect(owner_url)
    try:
        found = await connection.fetch("select external_message_id from messages where sender_type = 'user'")
    finally:
        await connection.close()
    return [str(row["external_message_id"]) for row in found]
