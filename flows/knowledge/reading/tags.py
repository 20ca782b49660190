"""Keeps HTML from being larger as a tree than as a text.

The rules by which browsers repair a page let a few megabytes of open tags grow to gigabytes or to hours. So
before it is parsed a page loses the tags that nothing is made of, depth beyond any page's, and endless attributes.
"""

from __future__ import annotations

import re

from flows.knowledge.documents import names

_DEEPEST = 256
_LONGEST_TAG = 2_000

# These end by themselves where another begins, so they do not add up.
_CLOSING_THEMSELVES = names(
    "html head body p li dt dd tr td th thead tbody tfoot caption option br hr img input meta link title"
)
# One at a time: the parser opens these again in every block that follows.
_OPENED_AGAIN = frozenset({"a", "code"})
_COUNTED = names(
    """main article section nav header footer aside div span h1 h2 h3 h4 h5 h6 ul ol menu dl table pre blockquote
    script style template noscript iframe object svg math canvas audio video form button select textarea dialog
    summary details figure figcaption address label fieldset legend"""
)
_NAME = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])")


def without_excess(html: str) -> str:
    """The page with the tags that matter, not nested beyond reason. Linear in its length."""
    kept: list[str] = []
    counts: dict[str, int] = {}
    depth = done = 0
    at = html.find("<")
    while at >= 0:
        end = html.find(">", at)
        if end < 0:
            break
        name = _NAME.match(html, at)
        if name is None:
            at = html.find("<", at + 1)
            continue
        kept.append(html[done:at])
        tag, closes = name[2].lower(), name[1] == "/"
        written = html[at : end + 1] if end - at < _LONGEST_TAG else f"<{name[1]}{tag}>"
        if tag in _OPENED_AGAIN:
            kept.append(written if closes else f"</{tag}>{written}")
        elif tag in _CLOSING_THEMSELVES:
            kept.append(written)
        elif tag in _COUNTED and closes:
            if counts.get(tag):
                counts[tag] -= 1
                depth -= 1
            kept.append(written)
        elif tag in _COUNTED and depth < _DEEPEST:
            counts[tag] = counts.get(tag, 0) + 1
            depth += 1
            kept.append(written)
        done = end + 1
        at = html.find("<", done)
    kept.append(html[done:])
    return "".join(kept)
