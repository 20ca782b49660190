"""Codes that people read in one place and type in another: how they are made, shown and found in what was typed."""

from __future__ import annotations

import re
import secrets
import unicodedata

# Without what looks alike: 0 and O, 1, I and L.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8

_WRITTEN = re.compile(rf"(?<![A-Z0-9])([{ALPHABET}]{{4}})[\s–-]?([{ALPHABET}]{{4}})(?![A-Z0-9])")


def new_code() -> str:
    """39 bits: one of 31⁸ codes less those without a digit."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if _has_digit(code):
            return code


def find_code(text: str) -> str | None:
    """The code in what a person typed, in any case and with a dash or a space in it; None if there is none.

    Every code has a digit, so that a word of eight letters is none.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    codes = ("".join(found.groups()) for found in _WRITTEN.finditer(plain))
    return next((code for code in codes if _has_digit(code)), None)


def spelled(code: str) -> str:
    """The code as it is shown: "7KQM-2XWD"."""
    return f"{code[:4]}-{code[4:]}"


def _has_digit(code: str) -> bool:
    return any(character.isdigit() for character in code)
