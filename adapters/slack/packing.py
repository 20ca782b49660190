"""Puts parts into as few messages as they fit into, in order, leaving none out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.slack.elements import Code, Element, Heading, Item, Paragraph, Quote, Rule, Table, words
from adapters.slack.message import Block, Message, Upload, fallback
from adapters.slack.rich_text import rich_block
from adapters.slack.splitting import BLOCK_COST, BUDGET, cost, pieces
from adapters.slack.tables import columns, fitted, table_block

# Slack takes 50; without_pictures() may turn one into two.
MOST_BLOCKS = 45


@dataclass(frozen=True, slots=True)
class Ready:
    """A block that is done; `shown` are its words for the notification."""

    block: Block
    shown: str
    cost: int = 0
    upload: Upload | None = None


Part: TypeAlias = Element | Ready


@dataclass(slots=True)
class _Page:
    parts: list[Part] = field(default_factory=list)
    cost: int = 0
    blocks: int = 0

    def takes(self, part: Part) -> bool:
        if not self.parts:
            return True
        if isinstance(part, Table) and any(isinstance(each, Table) for each in self.parts):
            return False
        begins = self._begins_block(part)
        return self.blocks + begins <= MOST_BLOCKS and self.cost + begins * BLOCK_COST + _cost(part) <= BUDGET

    def add(self, part: Part) -> None:
        begins = self._begins_block(part)
        self.blocks += begins
        self.cost += begins * BLOCK_COST + _cost(part)
        self.parts.append(part)

    def _begins_block(self, part: Part) -> bool:
        """Whether it does not go on in the rich text block before it."""
        return not (_is_written(part) and self.parts and _is_written(self.parts[-1]))

    def give_up_headings(self, room: int) -> list[Part]:
        """The headings that it ends with, for they belong to what follows, if that has room and something is left."""
        first = len(self.parts)
        while first and isinstance(self.parts[first - 1], Heading):
            first -= 1
        if first == 0 or sum(map(_cost, self.parts[first:])) > room:
            return []
        taken, self.parts = self.parts[first:], self.parts[:first]
        return taken


def pack(parts: Iterable[Part]) -> list[Message]:
    """The messages that the parts make, each within Slack's limits."""
    pages = [_Page()]
    for part in parts:
        for piece in _fitting(part):
            if not pages[-1].takes(piece):
                pages.append(_Page())
                for heading in pages[-2].give_up_headings(BUDGET - 2 * BLOCK_COST - _cost(piece)):
                    pages[-1].add(heading)
            pages[-1].add(piece)
    return [_message(page) for page in pages if page.parts]


def _fitting(part: Part) -> Iterator[Part]:
    if isinstance(part, Ready):
        yield part
        return
    for whole in fitted(part) if isinstance(part, Table) else [part]:
        yield from pieces(whole, BUDGET - BLOCK_COST)


def _message(page: _Page) -> Message:
    blocks: list[Block] = []
    run: list[Paragraph | Heading | Item | Quote | Code] = []
    for part in [*page.parts, None]:
        if isinstance(part, Paragraph | Heading | Item | Quote | Code):
            run.append(part)
            continue
        if run:
            blocks.append(rich_block(run))
            run = []
        if isinstance(part, Table):
            blocks.append(table_block(part))
        elif isinstance(part, Rule):
            blocks.append({"type": "divider"})
        elif part is not None:
            blocks.append(part.block)
    upload = next((part.upload for part in page.parts if isinstance(part, Ready) and part.upload), None)
    shown = "\n".join(filter(None, map(_shown, page.parts)))
    return Message(fallback(shown), tuple(blocks), upload)


def _is_written(part: Part) -> bool:
    return isinstance(part, Paragraph | Heading | Item | Quote | Code)


def _cost(part: Part) -> int:
    return part.cost if isinstance(part, Ready) else cost(part)


def _shown(part: Part) -> str:
    match part:
        case Ready():
            return part.shown
        case Table():
            return columns(part)
        case Rule():
            return ""
        case Code(text):
            return text
        case Item(spans, number=number):
            return f"{'•' if number is None else f'{number}.'} {words(spans)}"
        case _:
            return words(part.spans)
