"""What a text is made of, between Markdown and Slack's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """A run of characters that look the same; `url` makes it a link."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    url: str | None = None

    @property
    def is_plain(self) -> bool:
        return not (self.bold or self.italic or self.strike or self.code or self.url)


Spans: TypeAlias = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Heading:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Item:
    """A list's item; `number` is None in a list of bullets."""

    spans: Spans
    depth: int = 0
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, all of the same number; the first row is the head. `aligned`: left, center or right."""

    rows: tuple[tuple[Spans, ...], ...]
    aligned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    pass


Written: TypeAlias = Paragraph | Heading | Item | Quote | Code
Element: TypeAlias = Written | Table | Rule


def words(spans: Spans) -> str:
    return "".join(span.text for span in spans)
