from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import orjson
from rehearsal import Rehearsal

from adapters.errors import Refused
from adapters.web.cursor import Position, read_cursor
from adapters.web.ports import Delta, ReplyState, Site
from adapters.web.render import (
    accepted_body,
    ack_frame,
    delta_frame,
    error_frame,
    history_body,
    message_frame,
    reply_body,
    site_body,
    status_frame,
    uploaded_body,
)
from storage.records import ContentType, MessageStatus, StoredMessage, UploadedFile


def link(file_id: UUID) -> str:
    return f"/files/{file_id}"


def a_message(content: str = "hi", content_type: ContentType = ContentType.TEXT) -> StoredMessage:
    rehearsal = Rehearsal()
    return rehearsal.say(rehearsal.talk_of("visitor:x"), content, content_type=content_type)


def test_a_message_frame_has_the_documented_fields() -> None:
    message = a_message()
    frame = orjson.loads(message_frame(message, message.change, link))
    assert read_cursor(frame.pop("cursor")) == Position(message.session_id, 1)
    assert frame == {
        "type": "message",
        "message_id": str(message.id),
        "session_id": str(message.session_id),
        "in_reply_to": None,
        "sender_type": "bot",
        "content": "hi",
        "content_type": "text",
        "status": "completed",
        "created_at": message.created_at.isoformat(),
    }


def test_the_files_of_a_message_are_shown_with_their_links() -> None:
    file = UploadedFile(uuid4(), "passport.jpg", "image/jpeg", 12_345)
    frame = orjson.loads(message_frame(replace(a_message(""), attachments=(file,)), 1, link))
    assert frame["attachments"] == [
        {
            "attachment_id": str(file.id),
            "name": "passport.jpg",
            "type": "image/jpeg",
            "size": 12_345,
            "url": f"/files/{file.id}",
        }
    ]
    body = orjson.loads(uploaded_body(file))
    assert body == {key: value for key, value in frame["attachments"][0].items() if key != "url"}


def test_a_document_is_sent_as_json_and_a_struck_out_one_as_text() -> None:
    rich = a_message('{"text":"x","choices":[]}', ContentType.RICH)
    assert orjson.loads(message_frame(rich, 1, link))["content"] == {"text": "x", "choices": []}
    struck = a_message("[sensitive]", ContentType.RICH)
    assert orjson.loads(message_frame(struck, 1, link))["content"] == "[sensitive]"


def test_small_frames() -> None:
    message = a_message()
    failed = replace(message, status=MessageStatus.FAILED, change=9)
    assert orjson.loads(status_frame(failed))["status"] == "failed"
    assert orjson.loads(ack_frame("c1", message.id)) == {
        "type": "ack",
        "id": "c1",
        "message_id": str(message.id),
    }
    assert orjson.loads(delta_frame(Delta(message.id, 2, 3, "abc"))) == {
        "type": "delta",
        "message_id": str(message.id),
        "attempt": 2,
        "seq": 3,
        "text": "abc",
    }
    assert orjson.loads(error_frame(Refused(400, "bad", "why"))) == {
        "type": "error",
        "code": "bad",
        "detail": "why",
    }
    assert orjson.loads(error_frame(Refused(429, "limit", "why", retry_after=2), "c1")) == {
        "type": "error",
        "code": "limit",
        "detail": "why",
        "id": "c1",
        "retry_after": 2,
    }


def test_answers() -> None:
    message_id, reply_id = uuid4(), uuid4()
    accepted = {"message_id": str(message_id), "reply_id": str(reply_id), "status": "pending"}
    assert orjson.loads(accepted_body(message_id, reply_id)) == accepted
    assert orjson.loads(accepted_body(message_id, None))["reply_id"] is None
    assert orjson.loads(reply_body(ReplyState(MessageStatus.PENDING), link)) == {
        "status": "pending",
        "more": [],
    }
    joined = ReplyState(MessageStatus.COMPLETED, None, (message_id,), "joined")
    assert orjson.loads(reply_body(joined, link)) == {
        "status": "completed",
        "more": [str(message_id)],
        "reason": "joined",
    }
    assert orjson.loads(site_body(Site("Ada", "Hi")))["colour"] is None


def test_history_says_where_a_socket_continues() -> None:
    message = a_message()
    assert orjson.loads(history_body([], link, newest=True)) == {"messages": [], "cursor": None}
    newest = orjson.loads(history_body([message], link, newest=True))
    assert read_cursor(newest["cursor"]) == Position(message.session_id, 1)
    assert orjson.loads(history_body([message], link, newest=False))["cursor"] is None
