"""HTML as Markdown: the main content's words, headings, lists, code, tables and links, and nothing that acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from flows.knowledge.documents import names
from flows.knowledge.reading.tags import without_excess
from flows.knowledge.reading.writing import MarkdownWriter

_MAIN = ("main", "[role=main]", "article", "body")
_DROPPED = names(
    """script style template noscript nav iframe object embed svg math canvas audio video head title meta link
    form button input select textarea dialog -comment -doctype"""
)
# Around the content, where the page does not say which part of it is.
_AROUND = frozenset({"footer", "aside"})
_ROLES = frozenset({"navigation", "search", "menu", "menubar", "dialog", "alertdialog"})
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of itself, and its main content as Markdown."""

    title: str
    language: str | None
    markdown: str


def read_page(html: str) -> Page:
    """The page as Markdown. Whatever its markup, what comes out has none."""
    tree = LexborHTMLParser(without_excess(html))
    title = tree.css_first("title")
    root = tree.css_first("html")
    main = next((node for query in _MAIN if (node := tree.css_first(query)) is not None), None)
    writer = MarkdownWriter()
    if main is not None:
        for opens, node in _walk(main, _DROPPED | _AROUND if main.tag == "body" else _DROPPED):
            if node.tag == "-text":
                writer.text(node.text_content or "")
            elif opens:
                writer.open(node)
            else:
                writer.close(node.tag or "")
    return Page(
        title.text() if title is not None else "",
        root.attributes.get("lang") if root is not None else None,
        writer.markdown(),
    )


def _walk(root: LexborNode, dropped: frozenset[str]) -> Iterator[tuple[bool, LexborNode]]:
    """Every node that shows, when it opens and, unless it is text, when it closes."""
    stack = [(True, root)]
    while stack:
        opens, node = stack.pop()
        if opens and _left_out(node, dropped):
            continue
        yield opens, node
        if opens and node.tag != "-text":
            stack.append((False, node))
            child = node.last_child
            while child is not None:
                stack.append((True, child))
                child = child.prev


def _left_out(node: LexborNode, dropped: frozenset[str]) -> bool:
    if node.tag == "-text":
        return False
    if node.tag is None or node.tag in dropped:
        return True
    given = node.attributes
    return (
        "hidden" in given
        or given.get("aria-hidden") == "true"
        or given.get("role") in _ROLES
        or _HIDING.search(given.get("style") or "") is not None
    )
