"""Live events and Stop across processes: the hub's events as bytes on the bus, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID, uuid4

import orjson

from adapters.web.ports import Delta, LiveEvent, Typing
from bot.live import Hub
from storage.bus import Bus
from storage.records import ContentType, MessageStatus, Sender, StoredMessage, UploadedFile


class BusRelay:
    """Sends this process's live events to the others and hears theirs."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._origin = uuid4().hex

    @property
    def connected(self) -> bool:
        return self._bus.connected

    def send(self, channel_id: UUID, external_user_id: str, event: LiveEvent) -> None:
        """Hand an event to the bus."""
        self._bus.publish(
            "live", orjson.dumps([self._origin, str(channel_id), external_user_id, *_encode(event)])
        )

    def send_stop(self, session_id: UUID) -> None:
        """Tell the process that runs the session's turn to end it."""
        self._bus.publish("stop", str(session_id).encode())

    def send_overtake(self, session_id: UUID, position: int) -> None:
        """Tell the process that runs the session's turn that a newer message has come."""
        self._bus.publish("overtake", orjson.dumps([self._origin, str(session_id), position]))

    async def receive(
        self, hub: Hub, stop: Callable[[UUID], None], overtake: Callable[[UUID, int], None]
    ) -> None:
        """Runs for as long as the process: hands what the others send to the hub, `stop` and `overtake`."""

        def live(payload: bytes) -> None:
            origin, channel_id, external_user_id, kind, fields = orjson.loads(payload)
            if origin != self._origin:
                hub.deliver(UUID(channel_id), external_user_id, _decode(kind, fields))

        def overtaken(payload: bytes) -> None:
            origin, session_id, position = orjson.loads(payload)
            if origin != self._origin:
                overtake(UUID(session_id), position)

        await self._bus.receive(
            {"live": live, "overtake": overtaken, "stop": lambda payload: stop(UUID(payload.decode()))}
        )


def _encode(event: LiveEvent) -> tuple[str, list[Any]]:
    match event:
        case Delta():
            return "delta", [str(event.message_id), event.attempt, event.seq, event.text]
        case Typing():
            return "typing", []
        case StoredMessage():
            return "message", [
                str(event.id),
                str(event.session_id),
                str(event.user_id),
                event.seq,
                event.change,
                event.created_change,
                event.sender,
                event.content,
                event.content_type,
                event.status,
                str(event.in_reply_to) if event.in_reply_to else None,
                event.created_at,
                [[str(file.id), file.name, file.type, file.size] for file in event.attachments],
            ]
        case _:
            assert_never(event)


def _decode(kind: str, fields: list[Any]) -> LiveEvent:
    match kind:
        case "delta":
            return Delta(UUID(fields[0]), *fields[1:])
        case "typing":
            return Typing()
        case _:
            return StoredMessage(
                UUID(fields[0]),
                UUID(fields[1]),
                UUID(fields[2]),
                fields[3],
                fields[4],
                fields[5],
                Sender(fields[6]),
                fields[7],
                ContentType(fields[8]),
                MessageStatus(fields[9]),
                UUID(fields[10]) if fields[10] else None,
                datetime.fromisoformat(fields[11]),
                tuple(UploadedFile(UUID(file_id), *more) for file_id, *more in fields[12]),
            )
