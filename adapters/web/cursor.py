"""Where a client stands in the stream of a visitor's changes, and the opaque text that says so."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from dataclasses import dataclass
from uuid import UUID

_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to `change` of `session_id`, and every earlier session, has been seen."""

    session_id: UUID
    change: int


def write_cursor(position: Position) -> str:
    return urlsafe_b64encode(position.session_id.bytes + position.change.to_bytes(8, "big")).decode()


def read_cursor(cursor: str) -> Position | None:
    """The position, or None for text that `write_cursor` never wrote."""
    if len(cursor) != _LENGTH or not cursor.isascii():
        return None
    try:
        raw = urlsafe_b64decode(cursor)
    except Error:
        return None
    if len(raw) != 24 or raw[16] & 0x80:
        return None
    return Position(UUID(bytes=raw[:16]), int.from_bytes(raw[16:], "big"))
