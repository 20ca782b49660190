"""Slack's own text markup, for the few places that take nothing else. Pure.

Escaped text cannot mention anybody or make a link: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import quote, urlsplit

LONGEST_URL = 3_000
_LONGEST_FIELD = 2_000
_FORMATTING = set("*_~`\n")
_ODD = {"|": "%7C", "<": "%3C", ">": "%3E", '"': "%22"}


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(text: str) -> dict[str, Any]:
    """A text object of markup. `verbatim`, or Slack would find `@here` and `#general` in it by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain_text(text: str) -> dict[str, Any]:
    """A text object of words; `emoji` is off, so that `:x:` stays as it is written."""
    return {"type": "plain_text", "text": text or "–", "emoji": False}


def strong(text: str) -> dict[str, Any]:
    """A text object in bold; in plain words where they hold what Slack takes for formatting and cannot escape.

    Also where the entities would make too much of them for a field of a section, which takes 2,000 characters.
    """
    written = f"*{escape(text.strip())}*"
    if _FORMATTING.isdisjoint(text) and text.strip() and len(written) <= _LONGEST_FIELD:
        return mrkdwn(written)
    return plain_text(text)


def link(url: str, label: str) -> str:
    """A link in markup, to a URL that `web_url` allowed."""
    return f"<{escape(url)}|{escape(label).replace(chr(10), ' ')}>"


def web_url(url: object) -> str | None:
    """The URL, written as Slack takes it, if it is an absolute one of http, https or mailto; else None."""
    if not isinstance(url, str) or not 0 < len(url) <= LONGEST_URL or not url.isprintable():
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", "mailto") or not (parts.netloc or parts.scheme == "mailto"):
        return None
    written = "".join(_ODD.get(char, quote(char) if char == " " else char) for char in url)
    return written if len(written) <= LONGEST_URL else None


def public_url(url: object) -> str | None:
    """A web URL that Slack itself can fetch a picture from, as far as its look tells: no private host."""
    written = web_url(url)
    if written is None or written.startswith("mailto:"):
        return None
    parts = urlsplit(written)
    host = (parts.hostname or "").rstrip(".")
    if "@" in parts.netloc or host.endswith((".local", ".internal", ".localhost", ".test", ".invalid")):
        return None
    try:
        return written if ipaddress.ip_address(host).is_global else None
    except ValueError:
        return written if "." in host and not host.rpartition(".")[2].isdigit() else None
