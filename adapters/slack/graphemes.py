"""Where a text may be cut without taking a character apart as a reader sees it.

The rules are those of Unicode's grapheme clusters (https://unicode.org/reports/tr29/) as far as the standard
library's tables carry them, and never looser: where they are not, a few places too many are left whole.
"""

from __future__ import annotations

import unicodedata

# Longer runs are no writing but a prank; they are cut at the limit.
_LONGEST = 128
_JOINER = "\u200d"
# Letters by category that still belong to the one before: Thai and Lao AM.
_AFTER = "\u0e33\u0eb3"
_VIRAMA = 9


def boundary(text: str, at: int) -> int:
    """The last place up to `at` where no grapheme is cut; `at` itself where there is none nearby."""
    if at >= len(text):
        return len(text)
    place = at
    while place > max(0, at - _LONGEST) and _joined(text, place):
        place -= 1
    return at if place <= 0 or _joined(text, place) else place


def cut(text: str, longest: int) -> str:
    """The text, or as much of it as leaves room for an ellipsis."""
    return text if len(text) <= longest else text[: boundary(text, longest - 1)].rstrip() + "…"


def _joined(text: str, at: int) -> bool:
    """Whether the characters around `at` are one to the reader."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    if _extends(after) or before == _JOINER or unicodedata.combining(before) == _VIRAMA:
        return before not in "\r\n"
    if _is_flag_letter(before) and _is_flag_letter(after):
        return _flag_letters_before(text, at) % 2 == 1
    return _is_jamo(before) and "\u1160" <= after <= "\u11ff"


def _extends(char: str) -> bool:
    if char.isascii():
        return False
    if unicodedata.category(char) in ("Mn", "Me", "Mc") or char in _AFTER or char in "\u200c\u200d":
        return True
    return "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f"


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_letters_before(text: str, at: int) -> int:
    count = 0
    while count < at and _is_flag_letter(text[at - 1 - count]):
        count += 1
    return count


def _is_jamo(char: str) -> bool:
    return "\u1100" <= char <= "\u11ff" or "\uac00" <= char <= "\ud7a3"
