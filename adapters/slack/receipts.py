"""How a reply in Slack is known again: the metadata of each of its messages, and the id that its receipt has.

A reply may be several messages (parts). Its `external_id` names them all, in order and separated by commas: the
`ts` of each, or the file's id (`F…`) for a file whose message Slack did not name. Whoever looks for a reply by a
`ts` that Slack gives (a reaction, a press) looks for that one among them, in the sessions of the Slack channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.slack.untrusted import Given, record

EVENT_TYPE = "parley_reply"
DRAFT_TYPE = "parley_draft"


def metadata_of(delivery_id: str, part: int) -> dict[str, Any]:
    """https://docs.slack.dev/messaging/message-metadata. Parts count from 0."""
    return {"event_type": EVENT_TYPE, "event_payload": {"delivery": delivery_id, "part": part}}


def draft_metadata(delivery_id: str, part: int) -> dict[str, Any]:
    """Of a part that is still being written: it is there, and not yet what was to be said."""
    return {"event_type": DRAFT_TYPE, "event_payload": {"delivery": delivery_id, "part": part}}


def part_in(message: Given, delivery_id: str, event_type: str = EVENT_TYPE) -> int | None:
    """Which part of the delivery a message is; None for another's."""
    metadata = record(message, "metadata")
    payload = record(metadata, "event_payload")
    part = payload.get("part")
    ours = metadata.get("event_type") == event_type and payload.get("delivery") == delivery_id
    return part if ours and type(part) is int else None


def external_id(parts: Mapping[int, str]) -> str:
    """The receipt's id, from what each part is called."""
    return ",".join(name for _, name in sorted(parts.items()))


def stamps_of(external_id: str) -> Sequence[str]:
    """The `ts` of the reply's messages, as far as they are known."""
    return [name for name in external_id.split(",") if "." in name]
