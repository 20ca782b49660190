"""The documented schema is what is really sent: the same frames, the same fields."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from rehearsal import Rehearsal

from adapters.errors import Refused
from adapters.web import render
from adapters.web.ports import Delta, ReplyState
from storage.records import MessageStatus, UploadedFile

DOCS = Path(__file__).parents[3] / "docs"
FILE = UploadedFile(uuid4(), "a.pdf", "application/pdf", 7)
DEFINITIONS: dict[str, Any] = json.loads((DOCS / "web-protocol.schema.json").read_text())["$defs"]


def fields(name: str) -> tuple[set[str], set[str]]:
    """The required and the possible fields of a definition."""
    definition = DEFINITIONS[name]
    required, possible = set(definition.get("required", ())), set(definition.get("properties", ()))
    for part in definition.get("allOf", ()):
        more_required, more_possible = fields(part["$ref"].removeprefix("#/$defs/"))
        required |= more_required
        possible |= more_possible
    return required, possible


def sent() -> list[tuple[str, bytes]]:
    rehearsal = Rehearsal()
    message = rehearsal.say(rehearsal.talk_of("visitor:x"), "hi")
    with_file = replace(message, attachments=(FILE,))
    return [
        ("ack", render.ack_frame("m1", message.id)),
        ("message", render.message_frame(message, 1, str)),
        ("message", render.message_frame(with_file, 1, str)),
        ("attachment", orjson.dumps(render.render_message(with_file, str)["attachments"][0], default=str)),
        ("uploaded", render.uploaded_body(FILE)),
        ("status", render.status_frame(replace(message, change=2))),
        ("typing", render.TYPING),
        ("resync", render.RESYNC),
        ("delta", render.delta_frame(Delta(message.id, 1, 0, "x"))),
        ("error", render.error_frame(Refused(429, "limit", "slow down", retry_after=1), "m1")),
        ("error", render.error_frame(Refused(400, "bad", "why"))),
        ("accepted", render.accepted_body(message.id, uuid4())),
        ("reply", render.reply_body(ReplyState(MessageStatus.COMPLETED, message, (uuid4(),), "joined"), str)),
        ("reply", render.reply_body(ReplyState(MessageStatus.PENDING), str)),
        ("history", render.history_body([message], str, newest=True)),
        ("refusal", render.refusal_body(Refused(400, "bad", "why"))),
    ]


@pytest.mark.parametrize(("name", "raw"), sent(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_sent_has_the_documented_fields(name: str, raw: bytes) -> None:
    document = json.loads(raw)
    required, possible = fields(name)
    assert required <= document.keys() <= possible
    kind = DEFINITIONS[name].get("properties", {}).get("type", {})
    if "const" in kind:
        assert document["type"] == kind["const"]


def test_every_frame_is_described_on_the_page() -> None:
    page = (DOCS / "web-protocol.md").read_text()
    frames = DEFINITIONS["client_frame"]["oneOf"] + DEFINITIONS["server_frame"]["oneOf"]
    for frame in frames:
        kind = DEFINITIONS[frame["$ref"].removeprefix("#/$defs/")]["properties"]["type"]["const"]
        assert f'{{"type": "{kind}"' in page
