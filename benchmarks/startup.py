"""How long `parley run` takes to serve: with an empty data folder, and again."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

from benchmarks.lab import BOTS, Lab, run_parley
from benchmarks.report import Table, Verdict

COLUMNS = ("start", "seconds")


async def measure(lab: Lab, *, again: int) -> tuple[list[Table], list[Verdict]]:
    """Until the line that says what to open."""
    folder = lab.folder / "startup"
    first = await _start(folder)
    second = median([await _start(folder) for _ in range(again)])
    rows = [("first, database made and migrated", first), (f"again, median of {again}", second)]
    return [Table("Start-up", COLUMNS, rows)], [
        Verdict("second start", f"{second:.2f} s", "< 5 s", second < 5)
    ]


async def _start(folder: Path) -> float:
    begins = time.perf_counter()
    async with run_parley(folder, BOTS):
        return time.perf_counter() - begins
