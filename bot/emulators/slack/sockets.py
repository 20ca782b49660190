"""Socket Mode: notices over WebSockets that the app opens.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from aiohttp import WSMsgType, web

from bot.emulators.slack.notices import Answer, Notice
from bot.emulators.slack.records import App

MAX_CONNECTIONS = 10
_HOST = "applink-emulator"

Reason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


@dataclass(slots=True, eq=False)
class Connection:
    """One WebSocket of an app, and the envelopes on it that are not acknowledged."""

    app_id: str
    socket: web.WebSocketResponse
    pending: dict[str, asyncio.Future[Answer]] = field(default_factory=dict)
    is_leaving: bool = False


class Sockets:
    """The open connections, pinged every `ping_seconds`. An acknowledgement counts within `ack_within` seconds."""

    def __init__(self, ack_within: float, *, ping_seconds: float = 10.0) -> None:
        self.base_url = ""
        self._ack_within = ack_within
        self.ping_seconds = ping_seconds
        self._tickets: dict[str, str] = {}
        self._connections: list[Connection] = []
        self._came = asyncio.Condition()

    def new_url(self, app: App) -> str:
        """An address to connect to, once."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = app.id
        return f"{self.base_url.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={app.id}"

    def is_connected(self, app_id: str) -> bool:
        return bool(self._of(app_id))

    def connections(self, app_id: str) -> int:
        """How many connections an app has."""
        return len(self._of(app_id))

    async def connected(self, app_id: str, count: int = 1) -> None:
        """Wait until an app has exactly so many connections."""
        async with self._came:
            await self._came.wait_for(lambda: len(self._of(app_id)) == count)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        app_id = self._tickets.pop(request.query.get("ticket", ""), None)
        if app_id is None:
            raise web.HTTPForbidden(text="invalid ticket")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(app_id, socket)
        if len(self._of(app_id)) >= MAX_CONNECTIONS:
            await _disconnect(connection, "too_many_websockets")
            await socket.close()
            return socket
        pinging = asyncio.create_task(self._ping(connection))
        try:
            await socket.send_json(self._hello(app_id))
            await self._change(connection, is_there=True)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    _acknowledge(connection, message.data)
        finally:
            pinging.cancel()
            await self._change(connection, is_there=False)
            for waiting in connection.pending.values():
                if not waiting.done():
                    waiting.set_result(Answer(failure="connection_closed"))
        return socket

    async def deliver(self, notice: Notice, number: int, reason: str | None) -> Answer:
        """One attempt, over the connection that is next."""
        connections = self._of(notice.app_id)
        if not connections:
            return Answer(failure="no_connection")
        connection = connections[0]
        # The next one goes over another connection.
        self._connections.remove(connection)
        self._connections.append(connection)
        envelope: dict[str, Any] = {
            "envelope_id": str(uuid4()),
            "payload": notice.payload,
            "type": notice.kind,
            "accepts_response_payload": notice.kind != "events_api",
        }
        if notice.kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": "" if reason is None else "timeout"}
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        connection.pending[envelope["envelope_id"]] = waiting
        try:
            await connection.socket.send_json(envelope)
            async with asyncio.timeout(self._ack_within):
                return await waiting
        except TimeoutError:
            return Answer(failure="timeout")
        except ConnectionError:
            return Answer(failure="connection_closed")
        finally:
            del connection.pending[envelope["envelope_id"]]

    async def disconnect(self, app_id: str, reason: Reason, *, grace: float = 10.0) -> None:
        """Tell an app that its connections end; after `grace` seconds they do, but not for a mere warning."""
        leaving = self._of(app_id)
        for connection in leaving:
            connection.is_leaving = reason != "warning"
            await _disconnect(connection, reason)
        if reason == "warning":
            return
        async with self._came:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._came.wait_for(lambda: not any(each in self._connections for each in leaving))
        for connection in leaving:
            await connection.socket.close()

    async def close(self) -> None:
        for connection in list(self._connections):
            await connection.socket.close()

    def _of(self, app_id: str) -> list[Connection]:
        return [each for each in self._connections if each.app_id == app_id and not each.is_leaving]

    async def _change(self, connection: Connection, *, is_there: bool) -> None:
        async with self._came:
            if is_there:
                self._connections.append(connection)
            elif connection in self._connections:
                self._connections.remove(connection)
            self._came.notify_all()

    async def _ping(self, connection: Connection) -> None:
        while True:
            await asyncio.sleep(self.ping_seconds)
            with suppress(ConnectionError):
                await connection.socket.ping(f"Ping from {_HOST}".encode())

    def _hello(self, app_id: str) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self._of(app_id)) + 1,
            "debug_info": {"host": _HOST, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": app_id},
        }


async def _disconnect(connection: Connection, reason: Reason) -> None:
    with suppress(ConnectionError):
        await connection.socket.send_json(
            {"type": "disconnect", "reason": reason, "debug_info": {"host": _HOST}}
        )


def _acknowledge(connection: Connection, text: str) -> None:
    """Take an acknowledgement; what is none, or comes too late, counts for nothing."""
    try:
        said = json.loads(text)
    except ValueError:
        return
    waiting = connection.pending.get(said.get("envelope_id", "")) if isinstance(said, dict) else None
    if waiting is not None and not waiting.done():
        waiting.set_result(Answer(said.get("payload", "")))
