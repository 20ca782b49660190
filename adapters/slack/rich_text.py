"""Elements as Slack's rich text. Pure.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from adapters.slack.elements import Code, Heading, Item, Paragraph, Quote, Span, Spans, Written

Json = dict[str, Any]
# Slack's editor goes no deeper.
_DEEPEST_INDENT = 8


def rich_block(elements: Sequence[Written]) -> Json:
    """One `rich_text` block of all the elements, in order."""
    parts: list[Json] = []
    for position, element in enumerate(elements):
        before = elements[position - 1] if position else None
        after = elements[position + 1] if position + 1 < len(elements) else None
        match element:
            case Paragraph(spans) | Heading(spans):
                parts.append(section(_spaced(element, spans, before, after)))
            case Item():
                if not (isinstance(before, Item) and _continues(before, element)):
                    parts.append(_list(element))
                parts[-1]["elements"].append(section(element.spans))
            case Quote(spans):
                parts.append({"type": "rich_text_quote", "elements": runs_of(spans)})
            case Code(text):
                shown = {"type": "text", "text": text or " "}
                parts.append({"type": "rich_text_preformatted", "elements": [shown]})
            case _:
                assert_never(element)
    return {"type": "rich_text", "elements": parts}


def section(spans: Spans) -> Json:
    return {"type": "rich_text_section", "elements": runs_of(spans)}


def runs_of(spans: Spans) -> list[Json]:
    """The runs; a blank where there are none, since Slack wants one."""
    return [_run(span) for span in spans if span.text] or [{"type": "text", "text": " "}]


def _run(span: Span) -> Json:
    made: Json = {"type": "text", "text": span.text}
    if span.url is not None:
        made = {"type": "link", "url": span.url, "text": span.text}
    style = {name: True for name in ("bold", "italic", "strike", "code") if getattr(span, name)}
    return {**made, "style": style} if style else made


def _list(first: Item) -> Json:
    made: Json = {"type": "rich_text_list", "style": "bullet" if first.number is None else "ordered"}
    if first.depth:
        made["indent"] = min(first.depth, _DEEPEST_INDENT)
    if first.number is not None and first.number > 1:
        made["offset"] = first.number - 1
    return {**made, "elements": []}


def _continues(before: Item, item: Item) -> bool:
    if before.depth != item.depth or (before.number is None) != (item.number is None):
        return False
    return item.number is None or before.number is None or item.number == before.number + 1


def _spaced(
    element: Paragraph | Heading, spans: Spans, before: Written | None, after: Written | None
) -> Spans:
    """Sections follow each other without a break, and lists close up to what is around them."""
    start = (Span("\n"),) if isinstance(before, Item) else ()
    if after is None:
        return (*start, *spans)
    apart = isinstance(element, Paragraph) and isinstance(after, Paragraph | Heading)
    return (*start, *spans, Span("\n\n" if apart else "\n"))
