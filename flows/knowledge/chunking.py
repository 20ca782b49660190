"""Cuts a document into chunks: 500 to 800 characters on heading, block and sentence boundaries.

Of what was measured, this size with about a fifth of overlap finds most; larger chunks find clearly less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from semantic_text_splitter import MarkdownSplitter

from flows.knowledge.sections import Section, sections
from flows.knowledge.words import bigrams

# Part of a document's hash: raise it with every change to what is made of a text.
VERSION = 1

LONGEST = 800
_SHORTEST = 500
# A chunk is cut to this and then takes up to a fifth of itself from the one before.
_CUT = (_SHORTEST, 660)
_OVERLAP = LONGEST - _CUT[1]
# The splitter's time grows with the square of its longest unit.
_SLICE = 20_000
_ARROW = " › "
_LONGEST_PATH = 240

_SENTENCE_START = re.compile(r"(?<=[.!?…])[ \t]+(?=\S)|(?<=[。！？])(?=\S)|\n+(?=[^\n])")
_WORD_START = re.compile(r"\s+(?=\S)")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document. `search_text` is for full text, `embedded` for the embedding model."""

    position: int
    heading: str
    content: str
    search_text: str
    embedded: str


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    path: tuple[str, ...]


def chunk(title: str, text: str) -> list[Chunk]:
    """The chunks of a Markdown text, in order; together they hold all of it but blank space.

    A large text takes seconds: not for the event loop.
    """
    made: list[Chunk] = []
    for piece in _packed(text, sections(text)):
        content = text[piece.start : piece.end].rstrip().lstrip("\r\n")
        if content.strip():
            made.append(_made(len(made), title, piece.path, content))
    return made


def _made(position: int, title: str, path: tuple[str, ...], content: str) -> Chunk:
    heading = _ARROW.join(path)
    if len(heading) > _LONGEST_PATH:
        heading = "…" + heading[-_LONGEST_PATH:]
    # The first heading mostly is the title; said twice it would count twice.
    above = [] if path[:1] == (title,) else [title]
    embedded = "\n".join(part for part in (*above, heading, content) if part)
    return Chunk(position, heading, content, bigrams(embedded), embedded)


def _packed(text: str, found: list[Section]) -> Iterator[_Piece]:
    """Short sections together with what follows below them or beside them, long ones cut."""
    waiting: _Piece | None = None
    for section in found:
        if waiting is not None and _belong_together(waiting, section):
            shared = waiting.path if _below(section.path, waiting.path) else waiting.path[:-1]
            waiting = _Piece(waiting.start, section.end, shared)
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        if section.end - section.start <= LONGEST:
            waiting = _Piece(section.start, section.end, section.path)
        else:
            yield from _cut(text, section)
    if waiting is not None:
        yield waiting


def _belong_together(waiting: _Piece, section: Section) -> bool:
    if waiting.end - waiting.start >= _SHORTEST or section.end - waiting.start > LONGEST:
        return False
    return _below(section.path, waiting.path) or _beside(section.path, waiting.path)


def _below(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return path[: len(other)] == other


def _beside(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(path) == len(other) > 1 and path[:-1] == other[:-1]


def _cut(text: str, section: Section) -> Iterator[_Piece]:
    start = section.start
    first = True
    for size in _sizes(text, section):
        end = start + size
        if text[start:end].strip():
            yield _Piece(start if first else _overlapping(text, section.start, start), end, section.path)
            first = False
        start = end


def _sizes(text: str, section: Section) -> Iterator[int]:
    """The lengths of the parts of a long section, without gaps; what is short joins its neighbour."""
    size = 0
    # Nothing comes before the first, so that a heading has room beside the table or the code below it.
    longest = LONGEST
    for start, end in _slices(text, section):
        for part in _splitter().chunks(text[start:end]):
            if size and (size + len(part) > longest or size >= _SHORTEST):
                yield size
                size, longest = 0, _CUT[1]
            size += len(part)
    if size:
        yield size


def _slices(text: str, section: Section) -> Iterator[tuple[int, int]]:
    start = section.start
    while start < section.end:
        end = min(start + _SLICE, section.end)
        if end < section.end:
            breaks = (text.rfind(mark, start + _SLICE // 2, end) + len(mark) for mark in ("\n\n", "\n", " "))
            end = next((at for at in breaks if at > start + _SLICE // 2), end)
        yield start, end
        start = end


def _overlapping(text: str, earliest: int, start: int) -> int:
    """Where a chunk that follows another begins: with the last sentences, else words, of that one, but no code."""
    window = text[max(earliest, start - _OVERLAP) : start]
    if (fence := max(window.rfind("```"), window.rfind("~~~"))) >= 0:
        window = window[fence:].partition("\n")[2]
    for boundary in (_SENTENCE_START, _WORD_START):
        if found := boundary.search(window):
            return start - len(window) + found.end()
    return start - len(window)


@cache
def _splitter() -> MarkdownSplitter:
    return MarkdownSplitter(_CUT, trim=False)
