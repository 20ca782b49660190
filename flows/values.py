"""Values of the record as JSON: plain JSON values, and date, datetime, Decimal, UUID and files as tagged ones.

A tagged value is `{"$": tag, "v": text}`, of a file its id, name, type and size, never its bytes. Also tagged is
whatever jsonb would hand back changed: big integers, floats that it would turn into integers, text with NUL or half
surrogates, and dicts with a key `$`. Only exact types are taken, because a subclass would come back as its parent. A
time zone comes back as its offset.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from flows.errors import Unrecordable
from flows.gone import Gone
from storage.records import UploadedFile

_PLAIN = frozenset({str, int, float, bool, type(None)})
_RECORDABLE = "JSON, date, datetime, Decimal, UUID or UploadedFile"
_DEEPEST = 64
_LARGEST = 2**63 - 1


def encode(value: Any, verb: str) -> Any:
    """The JSON form, sharing nothing with `value`. Raises Unrecordable, naming `verb`."""
    return _encode(value, verb, _DEEPEST)


def decode(value: Any) -> Any:
    """The value that `encode` was given. Raises ValueError for what it never wrote."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [decode(item) for item in value]
    tag = value.get("$")
    if tag is None:
        return {key: decode(item) for key, item in value.items()}
    reader = _READERS.get(tag)
    if reader is None:
        raise ValueError(f"unknown tag {tag!r} in a recorded value")
    return reader(value["v"])


def digest(encoded: Any) -> str:
    """A short digest of an encoded value, equal for equal values."""
    written = orjson.dumps(encoded, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(written, digest_size=12).hexdigest()


def _encode(value: Any, verb: str, depth: int) -> Any:
    match value:
        case None | True | False:
            return value
        case str() if type(value) is str:
            return value if _is_clean(value) else _tagged("str", _pack(value))
        case int() if type(value) is int:
            return value if abs(value) <= _LARGEST else _tagged("int", str(value))
        case float() if type(value) is float:
            if not math.isfinite(value):
                raise Unrecordable(f"{verb}: {value} cannot be recorded, JSON has no such number")
            return _tagged("float", repr(value)) if _is_unstable(value) else value
        case datetime() if type(value) is datetime:
            return _tagged("datetime", value.isoformat())
        case date() if type(value) is date:
            return _tagged("date", value.isoformat())
        case Decimal() if type(value) is Decimal:
            return _tagged("decimal", str(value))
        case UUID():
            return _tagged("uuid", str(value))
        case UploadedFile():
            return _tagged("file", [str(value.id), value.name, value.type, value.size])
    if depth == 0:
        raise Unrecordable(f"{verb}: the value is nested more than {_DEEPEST} deep")
    if type(value) is list:
        return [_encode(item, verb, depth - 1) for item in value]
    if type(value) is dict:
        return _encode_dict(value, verb, depth - 1)
    if isinstance(value, Gone):
        value.touch()
    advice = "make it a list" if isinstance(value, tuple) else f"give it as {_RECORDABLE}"
    raise Unrecordable(f"{verb}: {_of_what_type(value)} cannot be recorded; {advice}")


def _of_what_type(value: Any) -> str:
    kind = type(value)
    return f"a {kind.__name__}" if kind in (tuple, set) else f"a value of type {kind.__qualname__}"


def _encode_dict(value: dict[Any, Any], verb: str, depth: int) -> Any:
    written: dict[str, Any] = {}
    for key, item in value.items():
        if type(key) is not str or not _is_clean(key):
            raise Unrecordable(f"{verb}: the key {key!r} of a dict cannot be recorded; use plain text")
        written[key] = _encode(item, verb, depth)
    return _tagged("dict", [[key, item] for key, item in written.items()]) if "$" in written else written


def _tagged(tag: str, value: Any) -> dict[str, Any]:
    return {"$": tag, "v": value}


def _is_clean(text: str) -> bool:
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _is_unstable(number: float) -> bool:
    return number.is_integer() and (abs(number) >= 1e15 or (number == 0 and math.copysign(1, number) < 0))


def _pack(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def _unpack(packed: str) -> str:
    return base64.b64decode(packed).decode("utf-8", "surrogatepass")


_READERS: dict[str, Callable[[Any], Any]] = {
    "str": _unpack,
    "int": int,
    "float": float,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "file": lambda parts: UploadedFile(UUID(parts[0]), *parts[1:]),
    "dict": lambda items: {key: decode(item) for key, item in items},
}
