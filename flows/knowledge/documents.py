"""What reading a file comes to."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BYTES = 10 * 1024 * 1024

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_HALF_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Document:
    """A text to answer from, as Markdown without HTML. `language` is that of full text: `en`, `de` …"""

    title: str
    text: str
    language: str = "en"
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was made of a file; `reason` says why and what to do."""

    reason: str


def tidied(text: str) -> str:
    """The text without what no database and no terminal takes, and without rows of blank lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\x0b", "\n")
    text = _HALF_SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip("\n")


def language_of(name: str | None, otherwise: str) -> str:
    """The language of a tag such as `de-AT`."""
    primary = re.split("[-_]", (name or "").strip().lower())[0]
    return primary if re.fullmatch("[a-z]{2,3}", primary) else otherwise


def is_link(target: str) -> bool:
    """Whether a link may stay: to a page, by path, or to a person."""
    # Browsers skip blanks inside of an address.
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", "".join(target.split()), re.IGNORECASE)
    return scheme is None or scheme[1].lower() in ("http", "https", "mailto", "tel")


def names(words: str) -> frozenset[str]:
    """The words as a set."""
    return frozenset(words.split())
