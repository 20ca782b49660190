"""The clients of the load generator: what one turn is, seen from outside.

A turn begins when the message is sent and ends when the client has the bot's answer to it.

- `bare`: POST to the bare webhook; the answer is in the response.
- `push`: POST /web/v1/messages; the answer comes on the visitor's open WebSocket (and the 202 has come too).
- `poll`: POST /web/v1/messages, then GET /web/v1/messages/{reply_id}?wait=20: what a client without socket does.
- `socket`: a message frame on the WebSocket, the answer on the same one: what the widget does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol, Self

import orjson

from benchmarks.errors import Unexpected
from benchmarks.wire import Connection

_JSON = b"Content-Type: application/json\r\n"
_DELTA = b'{"type":"delta"'
_FROM_BOT = b'"sender_type":"bot"'


class Client(Protocol):
    async def turn(self, key: str, text: str) -> None:
        """Send one message and wait for its answer."""

    def close(self) -> None: ...


class BareClient:
    """Talks to the bare webhook as one of its numbered sessions."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = str(number)

    async def turn(self, key: str, text: str) -> None:
        body = orjson.dumps({"id": key, "number": self._number, "text": text})
        await self._connection.ask("POST", "/webhook", _JSON, body)

    def close(self) -> None:
        self._connection.close()


class WebClient:
    """A visitor of the demo site with a token."""

    def __init__(self, connection: Connection, token: str) -> None:
        self._connection = connection
        self._headers = _JSON + b"Authorization: Bearer " + token.encode() + b"\r\n"

    async def post(self, key: str, text: str) -> bytes:
        return await self._connection.ask(
            "POST", "/web/v1/messages", self._headers, orjson.dumps({"id": key, "text": text})
        )

    def close(self) -> None:
        self._connection.close()


class PollingClient(WebClient):
    async def turn(self, key: str, text: str) -> None:
        reply_id = orjson.loads(await self.post(key, text))["reply_id"]
        answer = await self.look(reply_id, wait_s=20)
        if b'"status":"completed"' not in answer:
            raise Unexpected(f"no reply: {answer[:200]!r}")

    async def look(self, reply_id: str, wait_s: int = 0) -> bytes:
        """The reply as it stands, or as soon as it is there."""
        return await self._connection.ask("GET", f"/web/v1/messages/{reply_id}?wait={wait_s}", self._headers)


class PushedClient(WebClient):
    """Sends by POST and hears the answer on its socket."""

    def __init__(self, connection: Connection, token: str, socket: Connection) -> None:
        super().__init__(connection, token)
        self._socket = socket
        self._heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.first_delta_at: float | None = None

    async def open(self) -> None:
        ticket = orjson.loads(await self._connection.ask("POST", "/web/v1/tickets", self._headers))["ticket"]
        await self._socket.become_socket(f"/web/v1/ws?ticket={ticket}", self._hear)

    async def turn(self, key: str, text: str) -> None:
        heard = self._heard = asyncio.get_running_loop().create_future()
        taken = orjson.loads(await self.post(key, text))
        frame = await heard
        if taken["message_id"].encode() not in frame:
            raise Unexpected(f"an answer to another message: {frame[:300]!r}")

    def close(self) -> None:
        super().close()
        self._socket.close()

    def forget_deltas(self) -> None:
        """What comes next is the first."""
        self.first_delta_at = None

    def _hear(self, frame: bytes) -> None:
        if self.first_delta_at is None and frame.startswith(_DELTA):
            self.first_delta_at = time.perf_counter()
        if _FROM_BOT in frame and not self._heard.done():
            self._heard.set_result(frame)


class SocketClient(PushedClient):
    async def turn(self, key: str, text: str) -> None:
        heard = self._heard = asyncio.get_running_loop().create_future()
        self._socket.send(orjson.dumps({"type": "message", "id": key, "text": text}))
        await heard


class StreamClient:
    """A visitor's socket on which an answer's first delta is awaited."""

    def __init__(self, client: SocketClient) -> None:
        self._client = client

    @classmethod
    async def enter(cls, port: int) -> Self:
        client = await connect("socket", port, 0)
        assert isinstance(client, SocketClient)
        return cls(client)

    async def first_delta_at(self, key: str, text: str) -> float:
        """Say something and wait for the whole answer; when its first delta came. Raises Unexpected."""
        self._client.forget_deltas()
        await self._client.turn(key, text)
        first = self._client.first_delta_at
        if first is None:
            raise Unexpected("the answer was not streamed")
        return first

    def close(self) -> None:
        self._client.close()


async def connect(mode: str, port: int, number: int) -> Client:
    """A client that is ready for its first turn."""
    connection = await Connection.to(port)
    if mode == "bare":
        return BareClient(connection, number)
    opened = await connection.ask("POST", "/web/v1/sessions", _JSON, b'{"site":"demo"}')
    token = orjson.loads(opened)["token"]
    if mode == "poll":
        return PollingClient(connection, token)
    kind = {"push": PushedClient, "socket": SocketClient}[mode]
    client = kind(connection, token, await Connection.to(port))
    await client.open()
    return client
