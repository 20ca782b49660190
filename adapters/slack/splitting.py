"""Cutting what is too long for one message: at paragraphs, lines, sentences, words, or between characters. Pure.

What Slack counts is not documented. Measured by others: a message is refused (`msg_blocks_too_long`) at about
13,200 characters of text with `&`, `<` and `>` counted as their entities, and at about 100 fewer for each block
(https://github.com/slackapi/bolt-js/issues/2509, https://github.com/metabase/metabase/pull/79908); with
rich text at 11,341 characters of text alone (https://github.com/slackapi/bolt-js/issues/2867), so its parts
count as well. `BUDGET` and the costs are chosen to stay below all of these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from adapters.slack.elements import (
    Code,
    Element,
    Heading,
    Item,
    Paragraph,
    Quote,
    Rule,
    Span,
    Spans,
    Table,
    words,
)
from adapters.slack.graphemes import boundary

BUDGET = 10_500
BLOCK_COST = 130
_PART_COST = 60
_RUN_COST = 30
_BREAKS = [re.compile(each) for each in (r"\n\s*\n", r"\n", r"[.!?…][\"')\]]*\s+|[。！？]", r"\s+")]


def counted(text: str) -> int:
    """The characters of a text as Slack counts them."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))


def spans_cost(spans: Spans) -> int:
    return sum(counted(span.text) + counted(span.url or "") + _RUN_COST for span in spans)


def cost(element: Element) -> int:
    """What an element adds to a message, without the block that it may begin."""
    match element:
        case Paragraph(spans) | Heading(spans) | Item(spans) | Quote(spans):
            return spans_cost(spans) + _PART_COST
        case Code(text):
            return counted(text) + _PART_COST
        case Table(rows):
            return sum(counted(words(cell)) for row in rows for cell in row)
        case Rule():
            return 0
        case _:
            assert_never(element)


def pieces(element: Element, budget: int) -> list[Element]:
    """The element in parts that each cost at most the budget; tables are cut elsewhere (tables.py)."""
    if cost(element) <= budget:
        return [element]
    room = budget - _PART_COST
    match element:
        case Paragraph(spans) | Heading(spans) | Quote(spans):
            return [replace(element, spans=part) for part in split_spans(spans, room)]
        case Item(spans):
            first, *more = split_spans(spans, room) or [()]
            return [replace(element, spans=first), *(Paragraph(part) for part in more)]
        case Code(text):
            return [Code(part) for part in split_code(text, room)]
        case Table() | Rule():
            return [element]
        case _:
            assert_never(element)


def split_spans(spans: Spans, room: int) -> list[Spans]:
    """The runs in parts of at most `room`. Short runs that look special, links above all, stay whole."""
    parts: list[Spans] = []
    rest = list(spans)
    while True:
        touched, reach = _reach(rest, room)
        if touched == len(rest):
            break
        near, rest = rest[: touched + 1], rest[touched + 1 :]
        first, left = _parted(near, _cut_place(words(tuple(near)), reach, _whole_runs(near, room)))
        parts.append(first)
        rest = [*left, *rest]
    return [part for part in (*parts, tuple(rest)) if part]


def split_text(text: str, longest: int) -> list[str]:
    """The text in parts of at most so many characters; blanks at the cuts are gone."""
    parts: list[str] = []
    while len(text) > longest:
        at = _cut_place(text, longest, ())
        parts.append(text[:at].rstrip())
        text = text[at:].lstrip()
    return [part for part in (*parts, text) if part]


def split_code(text: str, room: int) -> list[str]:
    """Lines as they are, as many as fit; a line that alone is too long is cut between characters."""
    parts: list[str] = []
    while counted(text) > room:
        _, reach = _reach([Span(text)], room + _RUN_COST)
        line_end = text.rfind("\n", 1, reach + 1)
        at = line_end if line_end > 0 else max(1, boundary(text, reach))
        parts.append(text[:at])
        text = text[at:].removeprefix("\n") if line_end > 0 else text[at:]
    return [*parts, text]


def _reach(spans: Sequence[Span], room: int) -> tuple[int, int]:
    """How many runs fit as a whole, and how many characters, at least one."""
    reach = 0
    for position, span in enumerate(spans):
        room -= counted(span.url or "") + _RUN_COST
        if counted(span.text) > room:
            for char in span.text:
                room -= counted(char)
                if room < 0:
                    break
                reach += 1
            return position, max(1, reach)
        room -= counted(span.text)
        reach += len(span.text)
    return len(spans), reach


def _whole_runs(spans: Sequence[Span], room: int) -> list[tuple[int, int]]:
    """Where the runs stand that must not be cut: from, to."""
    whole, start = [], 0
    for span in spans:
        end = start + len(span.text)
        if not span.is_plain and spans_cost((span,)) <= room // 3:
            whole.append((start, end))
        start = end
    return whole


def _cut_place(text: str, reach: int, whole: Sequence[tuple[int, int]]) -> int:
    """The best place in the latter half of what fits."""
    for breaks in _BREAKS:
        ends = [found.end() for found in breaks.finditer(text, reach // 2, reach) if found.end() < len(text)]
        for at in reversed(ends):
            if not any(start < at < end for start, end in whole) and boundary(text, at) == at:
                return at
    at = max(1, boundary(text, reach))
    return next((start for start, end in whole if 0 < start < at < end), at)


def _parted(spans: Sequence[Span], at: int) -> tuple[Spans, Spans]:
    """The runs before and from a place in their text, without blanks at the cut."""
    before: list[Span] = []
    after: list[Span] = []
    for span in spans:
        cut = min(max(at, 0), len(span.text))
        before.append(replace(span, text=span.text[:cut]))
        after.append(replace(span, text=span.text[cut:]))
        at -= len(span.text)
    return _trimmed(before, end=True), _trimmed(after, end=False)


def _trimmed(spans: list[Span], *, end: bool) -> Spans:
    while spans:
        edge = spans[-1 if end else 0]
        text = edge.text.rstrip() if end else edge.text.lstrip()
        if text:
            spans[-1 if end else 0] = replace(edge, text=text)
            break
        spans.pop(-1 if end else 0)
    return tuple(span for span in spans if span.text)
