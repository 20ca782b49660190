"""What stands within one paragraph of Markdown, as runs of one look. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from markdown_it.token import Token

from adapters.slack.elements import Span, Spans
from adapters.slack.mrkdwn import web_url

# A bare URL as people write it into a sentence: not with the stop or bracket that follows it.
_URL = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?*_~`)\]}]")


def runs(token: Token) -> Spans:
    """The runs of one inline token; runs that look the same are one."""
    look = Span("")
    inside = Counter[str]()
    shown: list[Span] = []
    links: list[tuple[str, int]] = []
    for child in token.children or ():
        match child.type:
            case "strong_open" | "strong_close" | "em_open" | "em_close" | "s_open" | "s_close":
                inside[child.tag] += child.nesting
                look = replace(
                    look, bold=inside["strong"] > 0, italic=inside["em"] > 0, strike=inside["s"] > 0
                )
            case "link_open":
                links.append((str(child.attrs.get("href", "")), len(shown)))
                look = replace(look, url=web_url(links[-1][0]))
            case "link_close":
                shown += _unlinked(*links.pop(), shown, look)
                look = replace(look, url=None)
            case "softbreak" | "hardbreak":
                shown.append(replace(look, text="\n"))
            case "code_inline":
                shown.append(replace(look, text=child.content, code=True))
            case "image":
                shown += _picture(child, look)
            case _:
                shown += _linked(replace(look, text=child.content))
    return joined(shown)


def _unlinked(target: str, since: int, shown: list[Span], look: Span) -> list[Span]:
    """What follows a link: its address where it has no words, or where it leads nowhere that Slack may."""
    if look.url is not None:
        return [] if len(shown) > since else [replace(look, text=look.url)]
    return [replace(look, text=f" ({target})")] if target else []


def _picture(token: Token, look: Span) -> list[Span]:
    source = str(token.attrs.get("src", ""))
    url, alt = web_url(source), token.content
    if look.url is not None or url is None:
        return [replace(look, text=alt or source)]
    return [replace(look, text=alt or url, url=url)]


def _linked(span: Span) -> list[Span]:
    """The run with the URLs in it made links, unless it is in one."""
    if span.url is not None or "://" not in span.text:
        return [span]
    made, done = [], 0
    for found in _URL.finditer(span.text):
        url = web_url(found[0])
        if url is not None:
            made += [
                replace(span, text=span.text[done : found.start()]),
                replace(span, text=found[0], url=url),
            ]
            done = found.end()
    return [*made, replace(span, text=span.text[done:])]


def joined(spans: list[Span]) -> Spans:
    """The runs without empty ones, and neighbours of the same look in one."""
    made: list[Span] = []
    for span in spans:
        if made and replace(made[-1], text=span.text) == span:
            made[-1] = replace(span, text=made[-1].text + span.text)
        elif span.text:
            made.append(span)
    return tuple(made)
