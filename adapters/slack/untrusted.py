"""Reading JSON that others wrote: every look-up gives a value of the kind asked for, or none. Nothing raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from flows.vocabulary import clean

Given: TypeAlias = Mapping[str, Any]

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TS = re.compile(r"[0-9]{1,16}\.[0-9]{1,9}")
_NOTHING: Given = {}
LONGEST_VALUE = 4_000


def record(given: object, *path: str) -> Given:
    """The object at the path; an empty one where there is none."""
    for name in path:
        given = given.get(name) if isinstance(given, dict) else None
    return given if isinstance(given, dict) else _NOTHING


def entries(given: Given, name: str, most: int = 100) -> list[Any]:
    """The first entries of a list; an empty one where there is none."""
    found = given.get(name)
    return found[:most] if isinstance(found, list) else []


def text(given: Given, name: str, longest: int = LONGEST_VALUE) -> str | None:
    """A text that is not empty, without NUL and half surrogates, cut at `longest` characters."""
    found = given.get(name)
    if not isinstance(found, str):
        return None
    return clean(found[:longest]) or None


def ident(given: Given, name: str) -> str | None:
    """One of Slack's ids: letters, digits, `.`, `_` and `-`."""
    found = given.get(name)
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def stamp(given: Given, name: str) -> str | None:
    """A `ts`, which is a message's id within its channel: seconds and a serial number."""
    found = given.get(name)
    return found if isinstance(found, str) and _TS.fullmatch(found) else None


def is_true(given: Given, name: str) -> bool:
    """JSON's true, or the text of it that forms have."""
    return given.get(name) is True or given.get(name) == "true"
