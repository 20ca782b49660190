"""From what a browser sends to what we mean by it. Pure; every refusal says what to send instead."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from adapters.errors import Refused
from storage.records import Channel, EntryKind, Inbound, Json, Sighting

MAX_BODY_BYTES = 64 * 1024
MAX_TEXT = 8_000
MAX_PAYLOAD_BYTES = 8 * 1024
MOST_ATTACHMENTS = 10
_ID = re.compile(r"[!-~]{1,128}")
_HALF_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What a visitor sent. `id` is the client's own and makes resending harmless."""

    id: str
    content: str
    payload: Json
    kind: EntryKind
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Feedback:
    message_id: UUID
    value: int


@dataclass(frozen=True, slots=True)
class VisitorTyping:
    pass


ClientFrame: TypeAlias = SentMessage | Stop | Feedback | VisitorTyping


def parse_document(raw: bytes | str) -> dict[str, Any]:
    """One JSON object. Raises Refused: `too_large`, `invalid_text` for half surrogates, `invalid_json`."""
    if len(raw) > MAX_BODY_BYTES:
        raise too_large()
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        bare = raw.encode(errors="surrogatepass") if isinstance(raw, str) else raw
        if _HALF_SURROGATE.search(bare):
            raise _invalid(
                "invalid_text", "The JSON holds half a surrogate pair; send whole characters."
            ) from error
        raise _invalid("invalid_json", f"This is not JSON: {error}.") from error
    if type(document) is not dict:
        raise _invalid("invalid_json", "Send one JSON object.")
    return document


def parse_frame(document: dict[str, Any]) -> ClientFrame:
    """One frame of a client: `message`, `stop`, `feedback` or `typing`."""
    kind = document.pop("type", None)
    if kind == "message":
        return parse_message(document)
    if kind == "stop":
        return Stop()
    if kind == "feedback":
        return _feedback(document)
    if kind == "typing":
        return VisitorTyping()
    raise _invalid("unknown_type", "A frame's type is message, stop, feedback or typing.")


def parse_message(document: dict[str, Any]) -> SentMessage:
    """`{id, text}`, or `{id, payload}` or `{id, attachments}` with an optional `text`.

    The text of a payload is the label that was pressed.
    """
    unknown = document.keys() - {"id", "text", "payload", "attachments"}
    if unknown:
        raise _invalid(
            "invalid_message",
            f"Unknown field {min(unknown)[:40]!r}; a message has id and text, payload or attachments.",
        )
    client_id = client_id_of(document)
    if client_id is None:
        raise _invalid("invalid_id", "Give the message an id of 1 to 128 printable ASCII characters.")
    payload, listed = document.get("payload"), document.get("attachments")
    if listed is not None:
        if payload is not None:
            raise _invalid("invalid_message", "A message has a payload or attachments, not both.")
        text = document.get("text")
        attachments = _attachments(listed)
        return SentMessage(
            client_id, "" if text is None else _text(text), None, EntryKind.MESSAGE, attachments
        )
    if payload is None:
        return SentMessage(client_id, _text(document.get("text")), None, EntryKind.MESSAGE)
    if size_of(payload) > MAX_PAYLOAD_BYTES:
        raise _invalid(
            "invalid_payload",
            f"A payload has at most {MAX_PAYLOAD_BYTES} bytes of JSON, not nested too deep.",
        )
    if has_nul(payload):
        raise _invalid("invalid_payload", "A payload must not hold the character NUL.")
    text = document.get("text")
    content = _text(text) if text is not None else _label(payload)
    return SentMessage(client_id, content, payload, EntryKind.ACTION)


def client_id_of(document: dict[str, Any]) -> str | None:
    """The id that the client knows its message by, also where the rest of the message is refused."""
    client_id = document.get("id")
    return client_id if type(client_id) is str and _ID.fullmatch(client_id) else None


def to_inbound(message: SentMessage, channel: Channel, external_user_id: str) -> Inbound:
    """The dedupe key names the visitor, or one could claim another's ids beforehand."""
    return Inbound(
        channel=channel,
        user=Sighting(external_user_id),
        # The length keeps apart whose id ends where another's message id begins.
        dedupe_keys=(f"{len(external_user_id)}:{external_user_id}:{message.id}",),
        content=message.content,
        kind=message.kind,
        payload=message.payload,
        external_message_id=message.id,
        wants_reply=True,
        attachments=message.attachments,
    )


def parse_id(text: object) -> UUID | None:
    """A UUID in its usual 36 characters, else None: what is malformed is as unknown as any other id."""
    if not isinstance(text, str) or len(text) != 36:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


def too_large() -> Refused:
    return Refused(413, "too_large", f"At most {MAX_BODY_BYTES} bytes are taken at once.")


def unknown_attachment() -> Refused:
    """In the same words for a file that is not there, is another's, or belongs to a message already."""
    return Refused(
        404, "unknown_attachment", "There is no such file to be sent; upload it, and name it in one message."
    )


def _invalid(code: str, detail: str) -> Refused:
    return Refused(400, code, detail)


def _text(text: object) -> str:
    if type(text) is not str:
        raise _invalid("invalid_message", "A message has a text (a string), a payload or attachments.")
    if len(text) > MAX_TEXT:
        raise _invalid(
            "text_too_long", f"A text has at most {MAX_TEXT} characters; this one has {len(text)}."
        )
    if "\0" in text:
        raise _invalid("invalid_text", "A text must not hold the character NUL.")
    if not text or text.isspace():
        raise _invalid("empty_text", "The text is empty.")
    return text


def _attachments(listed: object) -> tuple[UUID, ...]:
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_ATTACHMENTS:
        raise _invalid("invalid_attachments", f"attachments are the ids of 1 to {MOST_ATTACHMENTS} files.")
    if not all(isinstance(each, str) for each in listed) or len(set(listed)) < len(listed):
        raise _invalid("invalid_attachments", "attachments are the ids of files, each of them once.")
    ids = tuple(each for each in map(parse_id, listed) if each is not None)
    if len(ids) < len(listed):
        raise unknown_attachment()
    return ids


def _label(payload: Json) -> str:
    """What the transcript shows for a pressed button whose label the client did not send."""
    label = payload.get("label") if isinstance(payload, dict) else payload
    if isinstance(label, str) and label.strip():
        return label[:MAX_TEXT]
    return orjson.dumps(payload).decode()


def size_of(value: Json) -> float:
    """Its bytes as JSON; no limit fits what is nested so deep that it can be read and not written (over 254)."""
    try:
        return len(orjson.dumps(value))
    except orjson.JSONEncodeError:
        return math.inf


def has_nul(value: Json) -> bool:
    """Whether any text of a JSON value, keys too, holds the character NUL."""
    pending: list[Json] = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\0" in item:
                return True
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
    return False


def _feedback(document: dict[str, Any]) -> Feedback:
    message_id, value = parse_id(document.get("message_id")), document.get("value")
    if message_id is None or type(value) is not int or value not in (-1, 0, 1):
        raise _invalid("invalid_feedback", "Feedback has a message_id and a value of 1, -1 or 0.")
    return Feedback(message_id, value)
