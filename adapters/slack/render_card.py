"""Cards, pictures, files and sources. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, TypeVar
from urllib.parse import urlsplit

from adapters.slack.elements import Paragraph, Span
from adapters.slack.graphemes import cut
from adapters.slack.markdown import read
from adapters.slack.marks import FILE_BLOCK, LINK_ACTION
from adapters.slack.message import Upload
from adapters.slack.mrkdwn import escape, link, mrkdwn, plain_text, public_url, strong, web_url
from adapters.slack.packing import Part, Ready
from adapters.slack.rich_text import rich_block
from adapters.slack.splitting import counted, split_text
from adapters.slack.untrusted import Given, entries, record

T = TypeVar("T")

_LONGEST_TITLE = 2_900
_LONGEST_FIELD = 2_000
_LONGEST_WRITTEN = 3_000
_LARGEST_BLOCK = 4_000
_LONGEST_ALT = 2_000
_LONGEST_SOURCE = 250
_MOST_ROWS_A_SECTION = 5
_MOST_SOURCES_A_BLOCK = 10


def card_parts(card: Given) -> list[Part]:
    """Title with its picture, text, fields as two columns, and a button that opens the link."""
    title, *rest = split_text(_text(card, "title"), _LONGEST_TITLE) or ["–"]
    block: dict[str, Any] = {"type": "section", "text": strong(title)}
    picture = public_url(card.get("image"))
    if picture is not None:
        block["accessory"] = {"type": "image", "image_url": picture, "alt_text": cut(title, _LONGEST_ALT)}
    parts: list[Part] = [Ready(block, title, cost=counted(title))]
    parts += [Paragraph((Span(more, bold=True),)) for more in rest]
    if picture is None and card.get("image"):
        parts.append(_linked(str(card["image"]), title))
    parts += read(_text(card, "text"))
    rows = [each for each in entries(card, "fields", 1_000) if isinstance(each, list) and len(each) == 2]
    parts += _fields([(str(name), str(value)) for name, value in rows])
    if card.get("link"):
        parts.append(_link_button(str(card["link"]), title))
    return parts


def image_part(image: Given) -> Part:
    """The picture where Slack can fetch it, else a link to it."""
    url, alt = public_url(image.get("url")), _text(image, "alt")
    if url is None:
        return _linked(_text(image, "url"), alt)
    block = {"type": "image", "image_url": url, "alt_text": cut(alt, _LONGEST_ALT) or "–"}
    return Ready(block, alt, cost=counted(alt))


def file_part(file: Given) -> Part:
    """The file's name as a link; the client may upload it instead."""
    name, url = _text(file, "name") or "file", _text(file, "url")
    label = cut(name, _LONGEST_SOURCE)
    shown = rich_block([Paragraph((Span("📎 "), Span(label, url=web_url(url))))])
    upload = Upload(url, name, _text(file, "type") or "application/octet-stream")
    block = {**shown, "block_id": FILE_BLOCK}
    return Ready(block, f"📎 {label}", cost=counted(label) + len(url), upload=upload)


def sources_parts(citations: Sequence[object]) -> list[Part]:
    """`[1] Title`, linked where there is an address; quotes are left to the page that they are from."""
    sources = [_source(number, record(each)) for number, each in enumerate(citations, start=1)]
    parts: list[Part] = []
    for fits, some in groupby(sources, lambda source: len(_written(source)) <= _LONGEST_WRITTEN):
        if not fits:
            parts += [Paragraph((source,)) for source in some]
            continue
        for group in _groups([*map(_written, some)], len, _MOST_SOURCES_A_BLOCK):
            block = {"type": "context", "elements": [mrkdwn(each) for each in group]}
            parts.append(Ready(block, "", cost=sum(map(len, group))))
    return parts


def _source(number: int, citation: Given) -> Span:
    label = f"[{number}] {cut(_text(citation, 'title') or '–', _LONGEST_SOURCE)}"
    return Span(label, url=web_url(citation.get("url")))


def _written(source: Span) -> str:
    return link(source.url, source.text) if source.url else escape(source.text)


def _fields(rows: list[tuple[str, str]]) -> list[Part]:
    """Two columns, five rows a section; what is too long for a column is written out."""
    parts: list[Part] = []
    for fits, some in groupby(rows, lambda row: max(map(len, row)) <= _LONGEST_FIELD):
        if not fits:
            parts += [Paragraph((Span(f"{name}: ", bold=True), Span(value))) for name, value in some]
            continue
        for group in _groups([*some], lambda row: len(row[0]) + len(row[1]), _MOST_ROWS_A_SECTION):
            shown = "\n".join(f"{name}: {value}" for name, value in group)
            fields = [text for name, value in group for text in (strong(name), plain_text(value))]
            parts.append(Ready({"type": "section", "fields": fields}, shown, cost=counted(shown)))
    return parts


def _groups(given: Iterable[T], size: Callable[[T], int], most: int) -> list[list[T]]:
    """Neighbours together, as many as may be and as a block should hold."""
    groups: list[list[T]] = []
    left = 0
    for each in given:
        if not groups or len(groups[-1]) == most or size(each) > left:
            groups.append([])
            left = _LARGEST_BLOCK
        groups[-1].append(each)
        left -= size(each)
    return groups


def _link_button(target: str, title: str) -> Part:
    url = web_url(target)
    if url is None or url.startswith("mailto:"):
        return _linked(target, title)
    host = urlsplit(url).hostname or url
    button = {
        "type": "button",
        "action_id": LINK_ACTION,
        "text": plain_text(cut(f"{host} ↗", 75)),
        "url": url,
    }
    return Ready({"type": "actions", "elements": [button]}, url, cost=len(url))


def _linked(target: str, label: str) -> Paragraph:
    """A link in the text, or both in words where it leads nowhere that Slack may."""
    url = web_url(target)
    if url is not None:
        return Paragraph((Span(label or url, url=url),))
    return Paragraph((Span(f"{label} ({target})" if label else target),))


def _text(given: Given, name: str) -> str:
    found = given.get(name)
    return found if isinstance(found, str) else ""
