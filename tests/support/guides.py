"""Reads the guides: their fenced blocks, and the names between backquotes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def guides() -> list[Path]:
    """README, CONTRIBUTING, CHANGELOG, the examples' page and everything in docs/."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")]
    return top + sorted((ROOT / "docs").rglob("*.md"))


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `language` is the first word behind the fence, `remark` the rest."""

    language: str
    remark: str
    text: str
    line: int


def blocks(guide: Path) -> list[Block]:
    """The fenced blocks of a guide, in order."""
    text = guide.read_text(encoding="utf-8")
    return [
        Block(*fence["info"].partition(" ")[::2], fence["text"], text.count("\n", 0, fence.start()) + 1)
        for fence in _FENCE.finditer(text)
    ]


def prose(guide: Path) -> str:
    """A guide without its fenced blocks."""
    return _FENCE.sub("", guide.read_text(encoding="utf-8"))


def quoted(guide: Path) -> list[str]:
    """What stands between backquotes in the prose."""
    return _QUOTED.findall(prose(guide))


def links(guide: Path) -> list[str]:
    """The targets of the links in the prose."""
    return _LINK.findall(_QUOTED.sub("", prose(guide)))
