"""What the command line's parser says of a wrong value, in words for whoever typed it."""

from __future__ import annotations

import re

_IN_PLACE = (
    (
        re.compile(r"Input should be a valid UUID\b.*"),
        "this is no id; one looks like 01890a5d-ac96-774b-bcce-b302099a8057",
    ),
    (re.compile(r"Input should be a valid integer\b.*"), "this is no whole number"),
    (re.compile(r"Input should be a valid number\b.*"), "this is no number"),
    (
        re.compile(r"Input should be a valid (?:date|time)\w*\b.*"),
        "this is no time; one looks like 2026-03-01T12:00:00",
    ),
    (re.compile(r"Input should be greater than or equal to "), "give at least "),
    (re.compile(r"Input should be less than or equal to "), "give at most "),
    (re.compile(r"Input should be "), "give "),
    (re.compile(r"Value error, "), ""),
)


def plainly(said: str) -> str:
    """A refusal without the voice of the library that checks values."""
    for pattern, words in _IN_PLACE:
        said = pattern.sub(words, said)
    return said
