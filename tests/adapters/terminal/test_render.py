"""Replies as lines of plain text."""

from __future__ import annotations

import orjson

from adapters.terminal.render import render
from storage.records import ContentType


def test_sources_are_numbered_lines_below_the_text() -> None:
    content = {
        "text": "Five euros. [1]",
        "citations": [
            {"title": "Fees › Cards", "url": "https://bank.example/fees", "quote": "A card costs five."},
            {"title": "Notes\x1b[2J"},
        ],
    }
    assert render(orjson.dumps(content).decode(), ContentType.RICH).splitlines() == [
        "Five euros. [1]",
        "  [1] Fees › Cards – https://bank.example/fees",
        "  [2] Notes[2J",
    ]
