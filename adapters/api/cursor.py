"""Cursors of lists: where a page ended, as 32 characters that mean nothing to clients."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

from adapters.api.parse import Field
from storage.session_views import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 24 bytes are 32 characters without a bit to spare.
_CURSOR = re.compile(r"[A-Za-z0-9_-]{32}")


def write_cursor(place: Place) -> str:
    at = (place.at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(at.to_bytes(8, "big") + place.id.bytes).decode()


def read_cursor(text: str) -> Place:
    """Raises ValueError for what no list has given out."""
    if not _CURSOR.fullmatch(text):
        raise ValueError("a cursor that a list has given")
    content = base64.urlsafe_b64decode(text)
    try:
        at = _EPOCH + timedelta(microseconds=int.from_bytes(content[:8], "big"))
    except OverflowError:
        raise ValueError("a cursor that a list has given") from None
    return Place(at, UUID(bytes=content[8:]))


CURSOR = Field(
    "cursor",
    "Where the page before ended.",
    {"type": "string", "minLength": 32, "maxLength": 32},
    read_cursor,
)
