"""The ids and values by which what we rendered is known again when it is pressed."""

from __future__ import annotations

import hashlib

import orjson

CHOICES_BLOCK = "choices"
FILE_BLOCK = "file"
FEEDBACK_BLOCK = "feedback"
# An actions block wants each action id once, so what follows the name counts.
CHOICE_ACTION = "choice"
LINK_ACTION = "link"
FEEDBACK_ACTION = "feedback"
_DIGEST = "sha256:"


def choice_value(payload: str, longest: int) -> str:
    """The value that stands for a choice's payload: itself, or its digest where that is longer than Slack takes.

    `payload_of` finds the payload again. Nothing but a digest ever begins like one.
    """
    if 0 < len(payload) <= longest and not payload.startswith(_DIGEST):
        return payload
    return _digest(payload)


def payload_of(value: str, content: str | None) -> str | None:
    """The payload that a pressed value stands for; `content` is the stored reply that was shown.

    None where it is a digest and the reply has no such choice.
    """
    if not value.startswith(_DIGEST):
        return value
    try:
        reply = orjson.loads(content or "")
    except orjson.JSONDecodeError:
        return None
    choices = reply.get("choices") if isinstance(reply, dict) else None
    listed = choices if isinstance(choices, list) else []
    payloads = (each.get("payload") for each in listed if isinstance(each, dict))
    return next((each for each in payloads if isinstance(each, str) and _digest(each) == value), None)


def is_digest(value: str) -> bool:
    """Whether `payload_of` needs the stored reply."""
    return value.startswith(_DIGEST)


def rating(message_id: str, value: int) -> str:
    """The value of a feedback button: 1 or -1 for our message."""
    return f"{value:+d}/{message_id}"


def read_rating(value: str) -> tuple[str, int] | None:
    score, _, message_id = value.partition("/")
    if score not in ("+1", "-1") or not message_id:
        return None
    return message_id, int(score)


def _digest(payload: str) -> str:
    return _DIGEST + hashlib.sha256(payload.encode()).hexdigest()
