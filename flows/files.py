"""`read_file`: the bytes of a file that a person sent, for the function that passes it on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from flows.errors import FlowMistake
from storage.records import UploadedFile

Read = Callable[[UUID], Awaitable[bytes]]

_read: ContextVar[Read] = ContextVar("read_file")


async def read_file(file: UploadedFile) -> bytes:
    """All bytes of a file that an `ask` returned; only inside a function run by `chat.call`, which must be async.

    There it happens once, and nothing of it is put on record but what the function returns. Raises FileMissing when
    the file was deleted meanwhile, and Unavailable when it cannot be reached just now.
    """
    try:
        read = _read.get()
    except LookupError:
        raise FlowMistake("read_file() works only inside a function run by chat.call") from None
    return await read(file.id)


@contextmanager
def reading(read: Read) -> Iterator[None]:
    """Let `read_file` read until the block ends."""
    token = _read.set(read)
    try:
        yield
    finally:
        _read.reset(token)
