"""Identifiers: UUIDv7 (RFC 9562 §5.7), made by our process, never by a browser.

Ids are asyncpg's own UUIDs, a subclass of `uuid.UUID` that is ten times quicker to make and to write. orjson
knows the plain class only: whoever writes ids as JSON gives it `default=id_text`.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from uuid import UUID

from asyncpg.pgproto import pgproto

from storage.records import Entry


def uuid7() -> UUID:
    """A new id that is ordered by time, to a quarter of a microsecond (RFC 9562 §6.2, method 3).

    The order is for index locality only; `seq` orders a session.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    random = os.urandom(8)
    made: UUID = pgproto.UUID(
        (milliseconds << 16 | 0x7000 | fraction).to_bytes(8, "big")
        + bytes((0x80 | random[0] & 0x3F,))
        + random[1:]
    )
    return made


def sibling(first: UUID, number: int) -> UUID:
    """Always the same id for an id and a number, of the same millisecond; nobody else makes it."""
    mixed = blake2b(first.bytes + number.to_bytes(4, "big"), digest_size=10).digest()
    made: UUID = pgproto.UUID(
        first.bytes[:6] + bytes((0x70 | mixed[0] & 0x0F, mixed[1], 0x80 | mixed[2] & 0x3F)) + mixed[3:]
    )
    return made


def reply_id(entry: Entry, number: int) -> UUID:
    """The id of a turn's reply, counted from 0, in every attempt; the first is the placeholder, where there is one."""
    placeholder = entry.reply_id if number == 0 else None
    return placeholder or sibling(entry.id, number)


def id_text(value: object) -> str:
    """orjson's `default`: the text of an id. Raises TypeError for anything else."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a {type(value).__qualname__} is no JSON")
