"""From what a client sends to what we mean by it: fields that read their values, and say what they take. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from adapters.errors import Refused
from adapters.web.parse import MAX_TEXT, has_nul, parse_document, parse_id, size_of
from storage.operators import CONSOLE, LONGEST_LIFE, NAME, is_name

MAX_VALUE_BYTES = 8 * 1024
MAX_PAGE = 200
_KEY = re.compile(r"[!-~]{1,128}")
_LONGEST_NAME = 128
_PLATFORM = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_HASH = re.compile(r"[0-9a-fA-F]{64}")

Read = Callable[[Any], Any]
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body or a query: `read` gives its value or raises ValueError, `schema` says the same in JSON."""

    name: str
    about: str
    schema: Schema
    read: Read
    required: bool = False


def key(name: str, about: str, *, required: bool) -> Field:
    """What makes sending again harmless: 1 to 128 printable ASCII characters."""
    schema = {"type": "string", "pattern": f"^{_KEY.pattern}$"}
    return Field(name, about, schema, read_key, required)


def title(name: str, about: str) -> Field:
    """What an event is called: 1 to 128 printable characters."""
    return Field(
        name, about, {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME}, read_title, True
    )


def name_of(name: str, about: str) -> Field:
    """An operator's name."""
    schema = {"type": "string", "pattern": f"^{NAME.pattern}$", "not": {"const": CONSOLE}}
    return Field(name, about, schema, _operator_name, True)


def said(name: str, about: str, *, required: bool = True) -> Field:
    """What a person is to read: not blank, without NUL."""
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}
    return Field(name, about, schema, read_said, required)


def hash_of(name: str, about: str) -> Field:
    """A SHA-256 in hexadecimal digits; its 32 bytes."""
    return Field(name, about, {"type": "string", "pattern": f"^{_HASH.pattern}$"}, read_hash, True)


def flag(name: str, about: str) -> Field:
    return Field(name, about, {"type": "boolean"}, _exactly(bool))


def choice(name: str, about: str, values: type[StrEnum], *, required: bool = False) -> Field:
    return Field(
        name, about, {"type": "string", "enum": [each.value for each in values]}, _one_of(values), required
    )


def days(name: str, about: str) -> Field:
    schema = {"type": "integer", "minimum": 1, "maximum": LONGEST_LIFE.days}
    return Field(name, about, schema, _days)


def anything(name: str, about: str) -> Field:
    """Any JSON value, but a small one."""
    return Field(name, about, {}, read_value)


def identifier(name: str, about: str) -> Field:
    """An id in a query."""
    return Field(name, about, {"type": "string", "format": "uuid"}, _id)


def platform(name: str, about: str) -> Field:
    schema = {"type": "string", "pattern": f"^{_PLATFORM.pattern}$"}
    return Field(name, about, schema, read_platform)


def number(name: str, about: str, smallest: int, largest: int) -> Field:
    """A whole number in a query."""

    def read(text: str) -> int:
        if not (_NUMBER.fullmatch(text) and smallest <= int(text) <= largest):
            raise ValueError(f"a whole number from {smallest} to {largest}")
        return int(text)

    return Field(name, about, {"type": "integer", "minimum": smallest, "maximum": largest}, read)


def switch(name: str, about: str) -> Field:
    """`true` or `false` in a query."""

    def read(text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError("true or false")
        return text == "true"

    return Field(name, about, {"type": "boolean"}, read)


def read_query(fields: Sequence[Field], pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The query's fields by name. Raises Refused 400 `invalid_query`."""
    given: dict[str, Any] = {}
    for name, text in pairs:
        if name in given:
            raise Refused(400, "invalid_query", f"{name[:40]!r} is given twice.")
        given[name] = text
    return _read(fields, given, "invalid_query", "parameter")


def read_body(fields: Sequence[Field], raw: bytes) -> dict[str, Any]:
    """The body's fields by name; no body is an empty object. Raises Refused 400 and 413."""
    return _read(fields, parse_document(raw) if raw else {}, "invalid_body", "field")


def read_said(text: Any) -> str:
    """A text for a person to read. Raises ValueError."""
    if type(text) is not str or not text or text.isspace() or len(text) > MAX_TEXT or not _is_clean(text):
        raise ValueError(f"a text of 1 to {MAX_TEXT} characters, not blank and without NUL")
    return text


def read_title(text: Any) -> str:
    """A name that is printable. Raises ValueError."""
    if type(text) is not str or not 0 < len(text) <= _LONGEST_NAME or not text.isprintable():
        raise ValueError(f"a text of 1 to {_LONGEST_NAME} printable characters")
    return text


def read_platform(text: Any) -> str:
    """A platform's name. Raises ValueError."""
    if type(text) is not str or not _PLATFORM.fullmatch(text):
        raise ValueError("a platform, such as web or slack")
    return text


def read_key(text: Any) -> str:
    """What makes sending again harmless. Raises ValueError."""
    if type(text) is not str or not _KEY.fullmatch(text):
        raise ValueError("1 to 128 printable ASCII characters without spaces")
    return text


def read_hash(text: Any) -> bytes:
    """The 32 bytes of a hash in hexadecimal digits. Raises ValueError."""
    if type(text) is not str or not _HASH.fullmatch(text):
        raise ValueError("64 hexadecimal digits, as the approval shows them")
    return bytes.fromhex(text)


def read_value(value: Any) -> Any:
    """A small JSON value. Raises ValueError."""
    if size_of(value) > MAX_VALUE_BYTES or has_nul(value):
        raise ValueError(
            f"JSON of at most {MAX_VALUE_BYTES} bytes, not nested too deep, without the character NUL"
        )
    return value


def _read(fields: Sequence[Field], given: Mapping[str, Any], code: str, kind: str) -> dict[str, Any]:
    known = {field.name: field for field in fields}
    unknown = given.keys() - known.keys()
    if unknown:
        names = ", ".join(known) or "none"
        raise Refused(400, code, f"Unknown {kind} {min(unknown)[:40]!r}; there are: {names}.")
    read: dict[str, Any] = {}
    for name, field in known.items():
        if name in given:
            try:
                read[name] = field.read(given[name])
            except ValueError as error:
                raise Refused(400, code, f"{name} is {error}.") from None
        elif field.required:
            raise Refused(400, code, f"The {kind} {name} is missing: {field.about}")
    return read


def _operator_name(text: Any) -> str:
    if type(text) is not str or not is_name(text):
        raise ValueError("a text of 1 to 64 of a–z, 0–9 and . _ @ + -, with a letter or digit at both ends")
    return text


def _exactly(kind: type) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError("true or false")
        return value

    return read


def _one_of(values: type[StrEnum]) -> Read:
    def read(text: Any) -> StrEnum:
        if type(text) is not str or text not in set(values):
            raise ValueError(f"one of {', '.join(values)}")
        return values(text)

    return read


def _days(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= LONGEST_LIFE.days:
        raise ValueError(f"a whole number from 1 to {LONGEST_LIFE.days}")
    return value


def _id(text: Any) -> Any:
    found = parse_id(text)
    if found is None:
        raise ValueError("a UUID")
    return found


def _is_clean(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
