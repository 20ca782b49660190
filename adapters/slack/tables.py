"""Tables: Slack's own where they fit into one, else columns of text. Pure.

https://docs.slack.dev/reference/block-kit/blocks/table-block: 100 rows of 20 cells, one table a message; 10,000
characters in all cells, as https://docs.slack.dev/reference/block-kit/blocks/data-table-block counts them.
"""

from __future__ import annotations

import unicodedata
from typing import Any

from adapters.slack.elements import Code, Spans, Table, words
from adapters.slack.rich_text import section
from adapters.slack.splitting import counted

MOST_ROWS = 100
MOST_COLUMNS = 20
MOST_CHARACTERS = 9_500
_WIDEST = 120


def fitted(table: Table) -> list[Table | Code]:
    """The table as one or more that Slack takes, the head repeated in each; columns of text if none can be."""
    head, *rows = table.rows
    room = MOST_CHARACTERS - _size(head)
    if len(head) > MOST_COLUMNS or room < MOST_CHARACTERS // 2 or any(_size(row) > room for row in rows):
        return [Code(columns(table))]
    made: list[Table | Code] = []
    taken: list[tuple[Spans, ...]] = []
    left = room
    for row in rows:
        if _size(row) > left or len(taken) + 1 == MOST_ROWS:
            made.append(Table((head, *taken), table.aligned))
            taken, left = [], room
        taken.append(row)
        left -= _size(row)
    return [*made, Table((head, *taken), table.aligned)]


def table_block(table: Table) -> dict[str, Any]:
    return {
        "type": "table",
        "rows": [[_cell(spans) for spans in row] for row in table.rows],
        "column_settings": [{"align": align, "is_wrapped": True} for align in table.aligned],
    }


def columns(table: Table) -> str:
    """The cells below each other, set for a fixed width of characters unless lines became too long."""
    cells = [[words(cell).replace("\n", " ") for cell in row] for row in table.rows]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(cells[0]))]
    if sum(widths) + 3 * len(widths) > _WIDEST:
        return "\n".join(" | ".join(row) for row in cells)
    lines = [
        " | ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True))
        for row in cells
    ]
    rule = "-|-".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))


def _cell(spans: Spans) -> dict[str, Any]:
    """Plain words as such. A cell must hold something."""
    if all(span.is_plain for span in spans):
        return {"type": "raw_text", "text": words(spans) or " "}
    return {"type": "rich_text", "elements": [section(spans)]}


def _size(row: tuple[Spans, ...]) -> int:
    return sum(counted(words(cell)) + sum(counted(span.url or "") for span in cell) for cell in row)


def _width(text: str) -> int:
    """Columns that a terminal would use: wide characters take two, marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )
