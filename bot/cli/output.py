"""How commands print: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "Nothing yet.") -> None:
    """Rows as a table with their keys as headings, or as a JSON list."""
    if as_json:
        typer.echo(orjson.dumps(list(rows), default=str, option=orjson.OPT_INDENT_2).decode())
    elif not rows:
        typer.echo(empty)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in rows[0]:
            table.add_column(heading.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        Console(soft_wrap=False).print(table)


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing as `key: value` lines, or as a JSON object."""
    if as_json:
        typer.echo(orjson.dumps(dict(row), default=str, option=orjson.OPT_INDENT_2).decode())
    else:
        for key, value in row.items():
            typer.echo(f"{key.replace('_', ' ')}: {value}")
