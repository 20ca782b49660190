"""What was measured, as tables for people and as one JSON file for programs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil
from rich.console import Console
from rich.table import Table as Drawing

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind of measurement; `note` says what one has to know to read them."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure beside its target."""

    what: str
    figure: str
    target: str
    met: bool


@dataclass(slots=True)
class Report:
    """Collects what the parts found."""

    tables: list[Table] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def add(self, tables: Sequence[Table], verdicts: Sequence[Verdict] = ()) -> None:
        """Keep a part's results and show its tables at once."""
        self.tables += tables
        self.verdicts += verdicts
        for table in tables:
            _draw(table)

    def close(self, path: Path) -> None:
        """Show the verdicts and write everything."""
        if self.verdicts:
            rows = [(v.what, v.figure, v.target, "met" if v.met else "NOT MET") for v in self.verdicts]
            _draw(Table("Targets", ("what", "figure", "target", ""), rows))
        path.parent.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {
            "machine": machine(),
            "tables": [asdict(table) for table in self.tables],
            "targets": [asdict(verdict) for verdict in self.verdicts],
        }
        path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def machine() -> dict[str, Any]:
    return {
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": psutil.getloadavg(),
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile; 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _draw(table: Table) -> None:
    drawing = Drawing(
        title=table.title, title_justify="left", caption=table.note or None, caption_justify="left"
    )
    for index, column in enumerate(table.columns):
        drawing.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
    for row in table.rows:
        drawing.add_row(*(_shown(cell) for cell in row))
    Console(width=None if Console().is_terminal else 140).print(drawing)


def _shown(cell: Cell) -> str:
    match cell:
        case None:
            return "–"
        case float() if cell >= 100:
            return f"{cell:,.0f}"
        case float():
            return f"{cell:.2f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell
