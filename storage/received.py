"""Bytes on their way in: counted, hashed, and set down before anybody decides what to do with them."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from tempfile import SpooledTemporaryFile

from storage.errors import Invalid, TooLarge, Unavailable

# Above this they lie on the disk, in a file without a name that ends with the process.
MEMORY_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived whole; `file` may be read until the block of `receive` ends."""

    file: SpooledTemporaryFile[bytes] = field(repr=False)
    size: int
    sha256: bytes

    def head(self, size: int) -> bytes:
        """The first bytes, at most `size`."""
        self.file.seek(0)
        return self.file.read(size)

    def tail(self, size: int) -> bytes:
        """The last bytes, at most `size`."""
        self.file.seek(max(0, self.size - size))
        return self.file.read()


@asynccontextmanager
async def receive(content: bytes | AsyncIterable[bytes], *, limit_bytes: int) -> AsyncIterator[Received]:
    """Take all of `content` in, in bounded memory.

    Raises TooLarge as soon as it is larger than `limit_bytes`, Invalid when it is empty, Unavailable when there is no
    room for it, and whatever `content` raises.
    """
    size, digest = 0, sha256()
    with SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        async for piece in _pieces(content):
            size += len(piece)
            if size > limit_bytes:
                raise TooLarge(f"the file is too large: {_readable(limit_bytes)} at most")
            digest.update(piece)
            try:
                file.write(piece)
            except OSError as error:
                raise Unavailable(
                    f"there is no room to receive a file ({error.strerror}): free the folder of temporary files"
                ) from error
        if not size:
            raise Invalid("the file is empty")
        yield Received(file, size, digest.digest())


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    async for piece in content:
        yield piece


def _readable(size: int) -> str:
    return f"{size / 1_000_000:g} MB" if size >= 100_000 else f"{size} bytes"
