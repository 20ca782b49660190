"""Just enough of HTTP and WebSocket to ask our own servers, so that the load generator eats little of a core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Self, cast

from benchmarks.errors import Unexpected

HOST = "127.0.0.1"


class Connection(asyncio.Protocol):
    """One keep-alive connection: one question at a time, then perhaps a WebSocket for good."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._hear: Callable[[bytes], None] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, port: int) -> Self:
        _, connection = await asyncio.get_running_loop().create_connection(cls, HOST, port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is no subclass of it

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unexpected(f"the server closed the connection: {error}"))

    def data_received(self, received: bytes) -> None:
        self._buffer += received
        if self._hear is None:
            self._read_answer()
        if self._hear is not None:
            self._read_frames()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, method: str, path: str, headers: bytes, body: bytes = b"") -> bytes:
        """One request; the answer's body. Raises Unexpected unless the status is a 2xx."""
        status, answer = await self._exchange(
            b"%b %b HTTP/1.1\r\nHost: localhost\r\n%bContent-Length: %d\r\n\r\n%b"
            % (method.encode(), path.encode(), headers, len(body), body)
        )
        if not 200 <= status < 300:
            raise Unexpected(f"{method} {path.partition('?')[0]}: {status} {answer[:200]!r}")
        return answer

    async def become_socket(self, path: str, hear: Callable[[bytes], None]) -> None:
        """Open a WebSocket here; `hear` gets each text frame."""
        status, answer = await self._exchange(
            b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            % path.encode()
        )
        if status != 101:
            raise Unexpected(f"the socket was refused: {status} {answer[:200]!r}")
        self._hear = hear
        self._read_frames()

    def send(self, text: bytes) -> None:
        """One masked text frame of less than 64 KB (RFC 6455 §5.2)."""
        mask = os.urandom(4)
        length = bytes((0x80 | len(text),)) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
        key = int.from_bytes((mask * (len(text) // 4 + 1))[: len(text)], "big")
        masked = (int.from_bytes(text, "big") ^ key).to_bytes(len(text), "big")
        assert self._transport is not None
        self._transport.write(b"\x81" + length + mask + masked)

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def _read_answer(self) -> None:
        buffer, answer = self._buffer, self._answer
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or answer is None:
            return
        status = int(buffer[9:12])
        length = 0
        if status != 101:
            at = buffer.find(b"Content-Length: ", 0, end)
            length = int(buffer[at + 16 : buffer.find(b"\r\n", at)]) if at >= 0 else 0
        if len(buffer) < end + 4 + length:
            return
        body = bytes(buffer[end + 4 : end + 4 + length])
        del buffer[: end + 4 + length]
        if not answer.done():
            answer.set_result((status, body))

    def _read_frames(self) -> None:
        buffer = self._buffer
        while len(buffer) >= 2 and self._hear is not None:
            length, start = buffer[1] & 0x7F, 2
            if length == 126:
                length, start = int.from_bytes(buffer[2:4], "big"), 4
            elif length == 127:
                length, start = int.from_bytes(buffer[2:10], "big"), 10
            if len(buffer) < start + length:
                return
            kind, frame = buffer[0] & 0x0F, bytes(buffer[start : start + length])
            del buffer[: start + length]
            if kind == 1:
                self._hear(frame)
            elif kind == 9 and self._transport is not None:
                self._transport.write(b"\x8a\x80\0\0\0\0")
