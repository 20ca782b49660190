"""Counts what goes over a PostgreSQL connection: a proxy on a Unix socket that reads the protocol.

A round trip is one Sync or simple Query of the client (PostgreSQL's frontend/backend protocol, §54.7); a
transaction has ended when the server reports `idle` after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Counts:
    """What has been seen so far on all connections."""

    round_trips: int = 0
    transactions: int = 0


class _Messages:
    """Cuts one direction of a connection into messages."""

    def __init__(self, *, starts_bare: bool) -> None:
        self._buffer = bytearray()
        # The client's first message has no type.
        self._bare = starts_bare

    def feed(self, received: bytes) -> list[tuple[int, int]]:
        """The messages that are complete now: type and first byte of the body."""
        buffer = self._buffer
        complete: list[tuple[int, int]] = []
        buffer += received
        while True:
            start = 0 if self._bare else 1
            if len(buffer) < start + 4:
                return complete
            length = start + int.from_bytes(buffer[start : start + 4], "big")
            if len(buffer) < length:
                return complete
            if not self._bare:
                complete.append((buffer[0], buffer[5] if length > 5 else 0))
            self._bare = False
            del buffer[:length]


@asynccontextmanager
async def counting_proxy(server: Path, folder: Path) -> AsyncIterator[Counts]:
    """Listen in `folder` as the server does in its own, until the block ends."""
    counts = Counts()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, from_client = _Messages(starts_bare=True), _Messages(starts_bare=False)
        server_reader, server_writer = await asyncio.open_unix_connection(server)

        async def forward() -> None:
            while received := await reader.read(65536):
                counts.round_trips += sum(kind in b"SQ" for kind, _ in to_server.feed(received))
                server_writer.write(received)
            server_writer.close()

        async def back() -> None:
            while received := await server_reader.read(65536):
                for kind, status in from_client.feed(received):
                    counts.transactions += kind == ord("Z") and status == ord("I")
                writer.write(received)
            writer.close()

        await asyncio.gather(forward(), back(), return_exceptions=True)

    folder.mkdir()
    listening = await asyncio.start_unix_server(serve, folder / server.name)
    try:
        yield counts
    finally:
        listening.close()
