"""What is posted for a delivery, part by part. Pure, and the same at every attempt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from adapters.contract import Delivery
from adapters.slack.marks import FILE_BLOCK
from adapters.slack.message import Message, Upload, fallback
from adapters.slack.render import render
from storage.records import ContentType


@dataclass(frozen=True, slots=True)
class Part:
    """A message; with an `upload` it is that file, and the message is its link, for when it cannot be uploaded."""

    message: Message
    upload: Upload | None = None


def parts_of(delivery: Delivery) -> list[Part]:
    """The parts in order; feedback is asked for below an answer that names its sources."""
    feedback = delivery.id if cites(delivery.content, delivery.content_type) else None
    parts: list[Part] = []
    for message in render(delivery.content, delivery.content_type, feedback=feedback):
        parts += _taken_apart(message) if message.upload else [Part(message)]
    return parts


def cites(content: str, content_type: ContentType) -> bool:
    """Whether a reply is an answer from documents."""
    if content_type is not ContentType.RICH:
        return False
    try:
        reply = orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return isinstance(reply, dict) and bool(reply.get("citations"))


def _taken_apart(message: Message) -> list[Part]:
    """What is said, and the file for itself: Slack makes a message of its own of every upload."""
    link = tuple(block for block in message.blocks if block.get("block_id") == FILE_BLOCK)
    rest = tuple(block for block in message.blocks if block.get("block_id") != FILE_BLOCK)
    said = [Part(replace(message, blocks=rest, upload=None))] if rest else []
    assert message.upload is not None
    file = Part(Message(fallback(f"📎 {message.upload.name}"), link), message.upload)
    return [*said, file]
