"""`GET /web/v1/ws`: the visitor's socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import assert_never

from aiohttp import WSCloseCode, WSMsgType, web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, as_refusal, channel_of, check_origin, not_found
from adapters.web.parse import (
    MAX_BODY_BYTES,
    Feedback,
    SentMessage,
    Stop,
    VisitorTyping,
    client_id_of,
    parse_document,
    parse_frame,
    to_inbound,
)
from adapters.web.ports import Listening
from adapters.web.render import ack_frame, error_frame
from adapters.web.stream import Stream
from adapters.web.tickets import visitor_at_socket
from adapters.web.verify import Visitor
from storage.errors import Unavailable
from storage.records import Accepted, Channel

HEARTBEAT_S = 20
STALL_S = 15
AT_ONCE_BYTES = 16_384
REREAD_SOON_S = 3.0
REREAD_IDLE_S = 60.0
ANSWER_DUE_S = 60.0
TOKEN_EXPIRED = 4401


def open_socket(door: Door, open_sockets: set[web.WebSocketResponse]) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        visitor = await visitor_at_socket(door, request)
        channel = await channel_of(door, visitor)
        check_origin(request, channel)
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_BODY_BYTES + 1, compress=False)
        if not socket.can_prepare(request).ok:
            raise Refused(400, "not_a_websocket", "Open this address as a WebSocket.")
        async with door.conversations.listen(channel, visitor.external_id) as listening:
            conversation = Conversation(door, channel, visitor, socket, request)
            await conversation.begin()
            await socket.prepare(request)
            open_sockets.add(socket)
            try:
                await conversation.hold(listening)
            finally:
                open_sockets.discard(socket)
        return socket

    return endpoint


async def close_sockets(open_sockets: set[web.WebSocketResponse]) -> None:
    """Tell every client that this process goes; they resume with their cursors elsewhere."""
    await asyncio.gather(
        *(socket.close(code=WSCloseCode.GOING_AWAY, drain=False) for socket in tuple(open_sockets)),
        return_exceptions=True,
    )


class Conversation:
    """One open socket: a task that pushes the stream, and a loop that reads the client's frames.

    What is written waits in the transport's buffer of 64 KB; a client that does not take it for
    `STALL_S` is closed with 1013 and resumes by its cursor.
    """

    def __init__(
        self,
        door: Door,
        channel: Channel,
        visitor: Visitor,
        socket: web.WebSocketResponse,
        request: web.Request,
    ) -> None:
        self._door = door
        self._conversations = door.conversations
        self._channel = channel
        self._visitor = visitor
        self._socket = socket
        self._request = request
        self._stream = Stream(door.conversations, channel, visitor.external_id, door.links(channel))
        self._cursor = request.query.get("cursor")
        self._answer_due_until = 0.0

    async def begin(self) -> None:
        """Without a cursor the stream begins now: before the client knows that it is open and may speak."""
        if self._cursor is None:
            await self._stream.begin_now()

    async def hold(self, listening: Listening) -> None:
        async with asyncio.TaskGroup() as tasks:
            push = tasks.create_task(self._push(listening))
            await self._read()
            push.cancel()

    async def _push(self, listening: Listening) -> None:
        try:
            if self._cursor is not None:
                await self._send_all(self._stream.start(self._cursor))
            while not self._socket.closed:
                event = await listening.next(self._patience_s())
                await self._send_all(self._stream.missed() if event is None else self._stream.take(event))
                self._door.tokens.check(self._visitor)
        except (Refused, Unavailable) as error:
            await self._give_up(as_refusal(error))

    def _patience_s(self) -> float:
        """When to read again without a live event: wake-ups may be lost, answers must not be."""
        due = self._stream.answer_due and asyncio.get_running_loop().time() < self._answer_due_until
        return REREAD_SOON_S if due else REREAD_IDLE_S

    async def _send_all(self, frames: AsyncIterator[bytes]) -> None:
        async for frame in frames:
            await self._send(frame)

    async def _send(self, frame: bytes) -> None:
        transport = self._request.transport
        try:
            if (
                transport is not None
                and transport.get_write_buffer_size() == 0
                and len(frame) < AT_ONCE_BYTES
            ):
                # Nothing waits to be taken, so this cannot wait either, and a limit would cost more than the frame.
                await self._socket.send_frame(frame, WSMsgType.TEXT)
                return
            async with asyncio.timeout(STALL_S):
                await self._socket.send_frame(frame, WSMsgType.TEXT)
        except TimeoutError:
            await self._close(WSCloseCode.TRY_AGAIN_LATER, b"too slow")
        except ConnectionError:
            pass  # The reading side sees the end of the connection and winds up.

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                await self._handle(message.data)
            elif message.type is WSMsgType.BINARY:
                await self._send(error_frame(Refused(400, "binary_frame", "Send text frames with JSON.")))
                await self._close(WSCloseCode.UNSUPPORTED_DATA, b"binary frame")

    async def _handle(self, raw: str) -> None:
        client_id = None
        try:
            self._door.tokens.check(self._visitor)
            document = parse_document(raw)
            client_id = client_id_of(document)
            frame = parse_frame(document)
            match frame:
                case SentMessage():
                    await self._accept(frame)
                case Stop():
                    await self._conversations.stop(self._channel, self._visitor.external_id)
                case Feedback():
                    kept = await self._conversations.feedback(
                        self._channel, self._visitor.external_id, frame.message_id, frame.value
                    )
                    if not kept:
                        raise not_found()
                case VisitorTyping():
                    pass
                case _:
                    assert_never(frame)
        except (Refused, Unavailable) as error:
            refusal = as_refusal(error)
            if refusal.code == "token_expired":
                await self._give_up(refusal)
            else:
                await self._send(error_frame(refusal, client_id))

    async def _accept(self, message: SentMessage) -> None:
        taken = await self._conversations.accept(
            to_inbound(message, self._channel, self._visitor.external_id)
        )
        self._stream.answer_due = True
        self._answer_due_until = asyncio.get_running_loop().time() + ANSWER_DUE_S
        message_id = taken.message.id if isinstance(taken, Accepted) else taken.message_id
        await self._send(ack_frame(message.id, message_id))

    async def _give_up(self, refusal: Refused) -> None:
        await self._send(error_frame(refusal))
        expired = refusal.code == "token_expired"
        await self._close(TOKEN_EXPIRED if expired else WSCloseCode.TRY_AGAIN_LATER, refusal.code.encode())

    async def _close(self, code: int, reason: bytes) -> None:
        try:
            async with asyncio.timeout(STALL_S):
                await self._socket.close(code=code, message=reason, drain=False)
        except TimeoutError:
            pass
        if self._request.transport is not None:
            self._request.transport.abort()
