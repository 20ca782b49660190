"""Markdown, as models and authors write it, read into elements. Pure.

Rich text blocks are made of them, rather than Slack's `markdown` block or its mrkdwn, because

- nothing in a rich text's `text` element is parsed, so no text of a model or a person can ever mention
  anybody; what `<!channel>` or `@here` does in a `markdown` block is not documented, and it does notify
  (https://github.com/turnstonelabs/turnstone/issues/935). mrkdwn can be escaped, but `*` and `_` cannot, and
  it knows no lists;
- Slack makes of one `markdown` block as many blocks as it likes, and refuses the message when they are
  more than 50 (https://github.com/archestra-ai/archestra/pull/4980); what we build we can count and cut;
- Slack's own editor writes rich text, and its documentation strongly prefers it
  (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from adapters.slack.elements import Code, Element, Heading, Item, Paragraph, Quote, Rule, Span, Spans, Table
from adapters.slack.runs import runs

# The reader leaves out what is nested deeper.
_DEEPEST = 20


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST}).enable(
        ["table", "strikethrough"]
    )


def read(text: str) -> list[Element]:
    """The elements of a Markdown text, in order. HTML is text; pictures are links, for they would be fetched."""
    tokens = _reader().parse(text)
    too_deep = any(token.level >= _DEEPEST - 1 for token in tokens)
    made = [] if too_deep else _Walk().over(tokens)
    # A text may also hold nothing but definitions of links, which show nothing.
    return made or ([Paragraph((Span(text.strip()),))] if text.strip() else [])


@dataclass(slots=True)
class _List:
    number: int | None


class _Walk:
    """Goes over the tokens once, and knows what it is inside of."""

    def __init__(self) -> None:
        self.made: list[Element] = []
        self.lists: list[_List] = []
        self.quotes = 0
        self.begins_item = False
        # The quote, and the item, that the paragraph which follows still belongs to.
        self.same: Element | None = None

    def over(self, tokens: list[Token]) -> list[Element]:
        rest = iter(tokens)
        for token in rest:
            match token.type:
                case "bullet_list_open":
                    self.lists.append(_List(None))
                case "ordered_list_open":
                    self.lists.append(_List(int(token.attrs.get("start", 1))))
                case "bullet_list_close" | "ordered_list_close":
                    self.lists.pop()
                    self.same = None
                case "list_item_open":
                    self.begins_item = True
                case "list_item_close":
                    self._end_item()
                case "blockquote_open" | "blockquote_close":
                    self.quotes += token.nesting
                    self.same = None
                case "heading_open":
                    spans = tuple(replace(span, bold=True) for span in runs(next(rest)))
                    self._text(spans, is_heading=True)
                case "inline":
                    self._text(runs(token))
                case "fence" | "code_block":
                    self._whole(Code(token.content.removesuffix("\n")))
                case "hr":
                    self._whole(Rule())
                case "table_open":
                    self._whole(_table(rest))
        return self.made

    def _whole(self, element: Element) -> None:
        if self.begins_item:
            self._text(())
        self.same = None
        self.made.append(element)

    def _end_item(self) -> None:
        if self.begins_item:
            self._text(())
        self.same = None
        if self.lists[-1].number is not None:
            self.lists[-1].number += 1

    def _text(self, spans: Spans, *, is_heading: bool = False) -> None:
        """A paragraph's worth of text, wherever it stands."""
        begins, self.begins_item = self.begins_item, False
        last = self.same
        if self.quotes:
            if begins:
                spans = (Span(self._bullet()), *spans)
            made: Element = Quote(spans)
            if isinstance(last, Quote):
                self.made[-1] = made = Quote((*last.spans, Span("\n"), *spans))
            else:
                self.made.append(made)
        elif begins:
            made = Item(spans, len(self.lists) - 1, self.lists[-1].number)
            self.made.append(made)
        elif isinstance(last, Item):
            self.made[-1] = made = replace(last, spans=(*last.spans, Span("\n"), *spans))
        else:
            made = Heading(spans) if is_heading else Paragraph(spans)
            self.made.append(made)
        self.same = made

    def _bullet(self) -> str:
        """Rich text has no list within a quote."""
        number = self.lists[-1].number
        mark = "•" if number is None else f"{number}."
        return "    " * (len(self.lists) - 1) + mark + " "


def _table(tokens: Iterator[Token]) -> Table:
    rows: list[list[Spans]] = []
    aligned: list[str] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            aligned.append(str(token.attrs.get("style", "left")).removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append(runs(token))
    return Table(tuple(tuple(row) for row in rows), tuple(aligned))
