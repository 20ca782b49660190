"""The sections of a Markdown text: what stands below each heading, with the path of headings to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LONGEST_HEADING = 100
# A line is looked at up to here: no heading is longer, and some lines are megabytes.
_LOOKED_AT = 300
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r"[ \t]*([|>*+#-]|\d+[.)]|`{3}|~{3}|$)| {4}|\t")
_LINK = re.compile(r"!?\[([^\][]*)\]\([^()]*\)")
_MARKUP = re.compile(r"[`*\\]|(?<!\w)_|_(?!\w)")


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a text from `start` to `end`; `path` are its headings, the outermost first."""

    start: int
    end: int
    path: tuple[str, ...]


def sections(text: str) -> list[Section]:
    """The text in sections, without gaps: each heading begins one."""
    found: list[Section] = []
    above: list[tuple[int, str]] = []
    start = 0
    for at, level, heading in _headings(text):
        if at > start:
            found.append(Section(start, at, tuple(name for _, name in above)))
        while above and above[-1][0] >= level:
            above.pop()
        above.append((level, heading))
        start = at
    if start < len(text):
        found.append(Section(start, len(text), tuple(name for _, name in above)))
    return found


def _headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Where headings begin, their level and their words."""
    fence = ""
    # The line above, where it is a paragraph's only one so far.
    above: tuple[int, str] | None = None
    after_blank = True
    for at, line in _lines(text):
        lonely, above = above, None
        if marks := _FENCE.match(line):
            if not fence:
                fence = marks[1]
            elif marks[1].startswith(fence) and not line[marks.end() :].strip():
                fence = ""
        elif fence:
            pass
        elif atx := _ATX.match(line):
            if words := heading_text(line[atx.end() :].strip().rstrip("#")):
                yield at, len(atx[1]), words
        elif lonely and (under := _SETEXT.match(line)):
            if words := heading_text(lonely[1]):
                yield lonely[0], 1 if under[1][0] == "=" else 2, words
        elif after_blank and not _NO_PARAGRAPH.match(line):
            above = (at, line)
        after_blank = not line.strip()


def heading_text(markdown: str) -> str:
    """A heading's words on one line, without marks."""
    words = _MARKUP.sub("", _LINK.sub(r"\1", markdown[:_LOOKED_AT]))
    words = " ".join(words.split())
    return words if len(words) <= _LONGEST_HEADING else words[: _LONGEST_HEADING - 1].rstrip() + "…"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield at, text[at : min(end, at + _LOOKED_AT)]
        at = end + 1
