"""A reply as lines of plain text."""

from __future__ import annotations

from typing import Any

import orjson

from storage.records import ContentType


def render(content: str, content_type: ContentType) -> str:
    """Text as it is; of a rich reply its text, its card, image, file and sources as lines, its choices numbered.

    Control characters but newline and tab are dropped: text from elsewhere must not steer the terminal.
    """
    if content_type is not ContentType.RICH:
        return _printable(content)
    reply = orjson.loads(content)
    lines = [reply.get("text") or ""]
    card = reply.get("card") or {}
    lines += [str(card[key]) for key in ("title", "text") if card.get(key)]
    lines += [f"  {name}: {value}" for name, value in card.get("fields") or []]
    lines += [str(card["link"])] if card.get("link") else []
    for kind in ("image", "file"):
        if reply.get(kind):
            lines.append(f"[{kind}] {reply[kind].get('url', '')}")
    lines += [_citation(n, citation) for n, citation in enumerate(reply.get("citations") or [], start=1)]
    lines += [f"  {n}. {choice['label']}" for n, choice in enumerate(reply.get("choices") or [], start=1)]
    return _printable("\n".join(line for line in lines if line))


def _citation(number: int, citation: dict[str, Any]) -> str:
    url = citation.get("url")
    return f"  [{number}] {citation['title']}" + (f" – {url}" if url else "")


def _printable(text: str) -> str:
    return "".join(c for c in text if c in "\n\t" or c.isprintable())
