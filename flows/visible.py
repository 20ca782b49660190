"""Text as it must be shown where somebody approves of it: what cannot be seen is written out."""

from __future__ import annotations

import re
from dataclasses import replace

from flows.vocabulary import Card

# Letters and marks to Unicode, and nothing to the eye; `str.isprintable` lets them through.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
# Spaces that can be seen: those that numbers are written with, and those of lines.
_SPACES = frozenset("\n\t\u00a0\u202f")


def visible(text: str) -> str:
    """The text with every character that does not print as `[U+202E]`: bidi, zero-width and control characters.

    Also emoji that are joined of several come apart: what is shown is exactly what is there.
    """
    if text.isascii() and text.isprintable():
        return text
    plain = text.replace("\r\n", "\n")
    return "".join(c if _is_seen(c) else f"[U+{ord(c):04X}]" for c in plain)


def visible_card(card: Card) -> Card:
    """The card with all its texts so."""
    return replace(
        card,
        title=visible(card.title),
        text=visible(card.text),
        fields=[(visible(name), visible(value)) for name, value in card.fields],
        link=None if card.link is None else visible(card.link),
        image=None if card.image is None else visible(card.image),
    )


def as_lines(text: str, card: Card | None) -> str:
    """A text and its card as one text, as an operator reads it and as its hash is taken."""
    if card is None:
        return text
    rows = [text, card.title, card.text, *(f"{name}: {value}" for name, value in card.fields)]
    rows += [each for each in (card.link, card.image) if each]
    return re.sub(r"\n{2,}", "\n", "\n".join(rows)).strip("\n")


def _is_seen(character: str) -> bool:
    return (character.isprintable() and character not in _BLANK) or character in _SPACES
