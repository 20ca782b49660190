"""From our messages and events to frames and answers, as bytes of JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from adapters.errors import Refused
from adapters.web.cursor import Position, write_cursor
from adapters.web.ports import Delta, ReplyState, Site
from storage.ids import id_text
from storage.records import ContentType, StoredMessage, UploadedFile

# The short-lived link of a file, by the file's id.
FileLink: TypeAlias = Callable[[UUID], str]

RESYNC = b'{"type":"resync"}'
TYPING = b'{"type":"typing"}'


def _json(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, default=id_text)


def render_message(message: StoredMessage, link: FileLink) -> dict[str, Any]:
    """A message as history, replies and frames show it."""
    rendered = {
        "message_id": message.id,
        "session_id": message.session_id,
        "in_reply_to": message.in_reply_to,
        "sender_type": message.sender,
        "content": _content(message),
        "content_type": message.content_type,
        "status": message.status,
        "created_at": message.created_at,
    }
    if message.attachments:
        rendered["attachments"] = [{**_uploaded(file), "url": link(file.id)} for file in message.attachments]
    return rendered


def message_frame(message: StoredMessage, change: int, link: FileLink) -> bytes:
    cursor = write_cursor(Position(message.session_id, change))
    return _json({"type": "message", **render_message(message, link), "cursor": cursor})


def status_frame(message: StoredMessage) -> bytes:
    cursor = write_cursor(Position(message.session_id, message.change))
    return _json({"type": "status", "message_id": message.id, "status": message.status, "cursor": cursor})


def ack_frame(client_id: str, message_id: UUID) -> bytes:
    return _json({"type": "ack", "id": client_id, "message_id": message_id})


def delta_frame(delta: Delta) -> bytes:
    return _json(
        {
            "type": "delta",
            "message_id": delta.message_id,
            "attempt": delta.attempt,
            "seq": delta.seq,
            "text": delta.text,
        }
    )


def error_frame(refusal: Refused, client_id: str | None = None) -> bytes:
    """`id` names the message that was refused, where the client gave it one."""
    frame: dict[str, Any] = {"type": "error", "code": refusal.code, "detail": refusal.detail}
    if client_id is not None:
        frame["id"] = client_id
    if refusal.retry_after is not None:
        frame["retry_after"] = refusal.retry_after
    return _json(frame)


def refusal_body(refusal: Refused) -> bytes:
    return _json({"error": {"code": refusal.code, "detail": refusal.detail}})


def opened_body(token: str, session_id: UUID | None, expires_at: datetime) -> bytes:
    return _json({"token": token, "session_id": session_id, "expires_at": expires_at})


def accepted_body(message_id: UUID, reply_id: UUID | None) -> bytes:
    reply = f'"{reply_id}"' if reply_id is not None else "null"
    return f'{{"message_id":"{message_id}","reply_id":{reply},"status":"pending"}}'.encode()


def uploaded_body(file: UploadedFile) -> bytes:
    return _json(_uploaded(file))


def reply_body(state: ReplyState, link: FileLink) -> bytes:
    answer: dict[str, Any] = {"status": state.status, "more": state.more}
    if state.message is not None:
        answer["message"] = render_message(state.message, link)
    if state.reason is not None:
        answer["reason"] = state.reason
    return _json(answer)


def history_body(messages: Sequence[StoredMessage], link: FileLink, *, newest: bool) -> bytes:
    """With the newest page comes the `cursor` from which a socket continues it."""
    position = position_of(messages) if newest else None
    return _json(
        {
            "messages": [render_message(message, link) for message in messages],
            "cursor": write_cursor(position) if position is not None else None,
        }
    )


def position_of(messages: Sequence[StoredMessage]) -> Position | None:
    """Where somebody stands who has just read these, newest last."""
    if not messages:
        return None
    session_id = messages[-1].session_id
    return Position(session_id, max(each.change for each in messages if each.session_id == session_id))


def site_body(site: Site) -> bytes:
    return _json(
        {"name": site.name, "greeting": site.greeting, "suggestions": site.suggestions, "colour": site.colour}
    )


def _uploaded(file: UploadedFile) -> dict[str, Any]:
    return {"attachment_id": file.id, "name": file.name, "type": file.type, "size": file.size}


def _content(message: StoredMessage) -> Any:
    """Text as it is; a document as JSON, or as text where it has been struck out and is none any more."""
    if message.content_type is ContentType.TEXT:
        return message.content
    try:
        return orjson.loads(message.content)
    except orjson.JSONDecodeError:
        return message.content
