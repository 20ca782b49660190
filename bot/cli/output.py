"""How commands print: a table for people, JSON for programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

_GAP = "  "


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "Nothing yet.") -> None:
    """Rows as a table with their keys as headings, or as a JSON list."""
    if as_json:
        _json(list(rows))
    elif not rows:
        typer.echo(empty)
    elif sys.stdout.isatty():
        _table(rows)
    else:
        # One line a row, so that grep and cut find whole ones.
        cells = [[heading.replace("_", " ") for heading in rows[0]]]
        cells += [[_shown(value) for value in row.values()] for row in rows]
        widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
        for line in cells:
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            typer.echo(_GAP.join(padded).rstrip())


def show_one(row: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing as `key: value` lines, or as a JSON object."""
    if as_json:
        _json(dict(row))
    else:
        for key, value in row.items():
            typer.echo(f"{key.replace('_', ' ')}: {_shown(value)}")


def printable(text: str) -> str:
    """On one line: what was stored may hold anything, and must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def forget_output() -> None:
    """Let what is printed from here on vanish: its reader has gone, and the interpreter must not try again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _json(value: Any) -> None:
    typer.echo(orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2).decode())


def _table(rows: Sequence[Mapping[str, Any]]) -> None:
    # Imported here: only a terminal's table needs it, and it takes longer than the rest of the command line.
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in rows[0]:
        table.add_column(heading.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    Console(highlight=False, markup=False).print(table)


def _shown(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_shown(part) for part in value) or "none"
        case _:
            return printable(str(value))
