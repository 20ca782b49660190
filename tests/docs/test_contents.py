"""The table of contents of the long guide has its headings, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guides import ROOT, prose

GUIDE = ROOT / "docs" / "flows.md"
_HEADING = re.compile(r"^(?P<level>##|###) (?P<title>.+)$", re.MULTILINE)


def contents() -> Iterator[str]:
    """A line for each chapter, with its sections."""
    line, below = "", 0
    for found in _HEADING.finditer(prose(GUIDE)):
        title = found["title"]
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        link = f"[{title}](#{anchor})"
        if found["level"] == "##":
            yield from [line] if line else []
            line, below = f"- {link}", 0
        else:
            line += f"{' · ' if below else ': '}{link}"
            below += 1
    yield line


def test_the_contents_are_the_headings() -> None:
    listed = [line for line in GUIDE.read_text(encoding="utf-8").splitlines() if line.startswith("- [")]
    wanted = list(contents())
    assert listed[: len(wanted)] == wanted
