"""What a call wants a message to say, checked as Slack checks it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.emulators.slack.arguments import Arguments
from bot.emulators.slack.blocks import problems_of, tables_in
from bot.emulators.slack.default_ids import with_ids
from bot.emulators.slack.records import Json
from bot.emulators.slack.refusals import Refused

MAX_TEXT = 40_000
# https://docs.slack.dev/reference/methods/chat.update: less than what may be posted.
MAX_UPDATED_TEXT = 4_000
MAX_MARKDOWN = 12_000
MAX_ATTACHMENTS = 100
MAX_METADATA_BYTES = 8_000
_EVENT_TYPE = re.compile(r"[a-z0-9_]{1,255}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Content:
    """What to say. A field is None where the call did not give it."""

    text: str | None
    blocks: tuple[Mapping[str, Any], ...] | None
    attachments: tuple[Mapping[str, Any], ...] | None
    metadata: Json | None

    @property
    def is_empty(self) -> bool:
        return not (self.text or self.blocks or self.attachments)


def read(arguments: Arguments, most: int = MAX_TEXT) -> Content:
    """The content of a call. Raises Refused."""
    text = arguments.text("text")
    markdown = arguments.text("markdown_text")
    given = arguments.listed("blocks", "invalid_blocks_format")
    if markdown is not None:
        if text is not None or given is not None:
            raise Refused("markdown_text_conflict")
        if len(markdown) > MAX_MARKDOWN:
            raise Refused("msg_too_long")
        text, given = markdown, [{"type": "markdown", "text": markdown}] if markdown else []
    if text is not None and len(text) > most:
        raise Refused("msg_too_long")
    attachments = arguments.listed("attachments", "invalid_attachments")
    if attachments is not None and len(attachments) > MAX_ATTACHMENTS:
        raise Refused("too_many_attachments")
    return Content(
        text,
        None if given is None else checked(given),
        None if attachments is None else tuple(attachments),
        metadata_of(arguments),
    )


def checked(given: list[Any]) -> tuple[Mapping[str, Any], ...]:
    """A message's blocks, with the ids that they lack. Raises Refused."""
    problems = problems_of(given)
    if problems:
        raise Refused("invalid_blocks", *problems, errors=problems)
    if tables_in(given) > 1:
        # Said by those who met it, in no page of Slack's: the code speaks of attachments.
        raise Refused("invalid_attachments", "only_one_table_allowed")
    return with_ids(given)


def metadata_of(arguments: Arguments) -> Json | None:
    """A call's metadata; an empty one takes away what is there. Raises Refused."""
    metadata = arguments.mapping("metadata", "invalid_metadata_format")
    if not metadata:
        return metadata
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not _EVENT_TYPE.fullmatch(kind) or not isinstance(payload, dict):
        raise Refused("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
        raise Refused("metadata_too_large")
    return metadata
