"""Live events reach another process as they were sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from adapters.web.ports import Delta, LiveEvent, Typing
from bot.live import Hub
from bot.relay import BusRelay
from storage.records import ContentType, MessageStatus, Sender, StoredMessage, UploadedFile


class Wire:
    """The bus between two processes."""

    def __init__(self) -> None:
        self.connected = True
        self.sent: list[bytes] = []

    def publish(self, topic: str, payload: bytes) -> None:
        self.sent.append(payload)

    async def receive(self, take: Mapping[str, Callable[[bytes], None]]) -> None:
        for payload in self.sent:
            take["live"](payload)


async def test_every_event_arrives_as_it_was_sent() -> None:
    wire: Any = Wire()
    files = tuple(UploadedFile(uuid4(), name, "image/png", 7) for name in ("a.png", "Ä \U0001f600.png"))
    ids = uuid4(), uuid4(), uuid4()
    said = StoredMessage(
        *ids, 3, 4, 4, Sender.USER, "hi", ContentType.TEXT, MessageStatus.COMPLETED, None, datetime.now(UTC)
    )
    with_files = StoredMessage(
        *ids,
        None,
        4,
        5,
        Sender.USER,
        "",
        ContentType.TEXT,
        MessageStatus.FAILED,
        uuid4(),
        datetime.now(UTC),
        files,
    )
    events: list[LiveEvent] = [said, with_files, Delta(uuid4(), 1, 0, "x"), Typing()]
    channel_id = uuid4()
    one, other = BusRelay(wire), BusRelay(wire)
    for event in events:
        one.send(channel_id, "ada", event)
    hub = Hub()
    async with hub.listen(channel_id, "ada") as listening:
        await other.receive(hub, print, print)
        assert [await listening.next(0) for _ in events] == events
