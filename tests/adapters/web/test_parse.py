from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rehearsal import DEMO

from adapters.errors import Refused
from adapters.web.parse import (
    ClientFrame,
    Feedback,
    SentMessage,
    Stop,
    VisitorTyping,
    client_id_of,
    parse_document,
    parse_frame,
    parse_id,
    parse_message,
    to_inbound,
)
from storage.records import EntryKind


def read_frame(raw: bytes | str) -> ClientFrame:
    return parse_frame(parse_document(raw))


FILE = "0190b0b0-0000-7000-8000-000000000001"


def refusal_of(raw: bytes | str) -> Refused:
    with pytest.raises(Refused) as caught:
        read_frame(raw)
    return caught.value


def status_of(raw: bytes) -> int | None:
    try:
        read_frame(raw)
    except Refused as refusal:
        return refusal.status
    return None


def message(**fields: Any) -> bytes:
    return orjson.dumps({"type": "message", "id": "m1", **fields})


def test_each_frame_is_read_as_what_it_is() -> None:
    message_id = uuid4()
    assert read_frame(message(text="hi")) == SentMessage("m1", "hi", None, EntryKind.MESSAGE)
    assert read_frame('{"type":"stop"}') == Stop()
    assert read_frame('{"type":"typing"}') == VisitorTyping()
    feedback = orjson.dumps({"type": "feedback", "message_id": str(message_id), "value": -1})
    assert read_frame(feedback) == Feedback(message_id, -1)


def test_a_payload_makes_an_action_that_shows_its_label() -> None:
    pressed = read_frame(message(payload="ask:1", text="Current"))
    assert pressed == SentMessage("m1", "Current", "ask:1", EntryKind.ACTION)
    assert parse_message({"id": "a", "payload": {"label": "Yes", "n": 1}}).content == "Yes"
    assert parse_message({"id": "a", "payload": "yes"}).content == "yes"
    assert parse_message({"id": "a", "payload": [1, 2]}).content == "[1,2]"
    assert parse_message({"id": "a", "payload": 0}).content == "0"


def test_files_come_with_a_text_or_without_one_in_the_order_given() -> None:
    other = str(uuid4())
    files = (UUID(other), UUID(FILE))
    assert read_frame(message(attachments=[other, FILE])) == SentMessage(
        "m1", "", None, EntryKind.MESSAGE, files
    )
    assert read_frame(message(attachments=[other, FILE], text="Here")) == SentMessage(
        "m1", "Here", None, EntryKind.MESSAGE, files
    )


def test_an_id_that_is_none_is_as_unknown_as_any_other() -> None:
    refusal = refusal_of(message(attachments=[FILE, "../../etc"]))
    assert (refusal.status, refusal.code) == (404, "unknown_attachment")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[1]", "invalid_json"),
        (b'"message"', "invalid_json"),
        (b"null", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"type":"message","id":"m","text":"\xed\xa0\x80"}', "invalid_json"),
        (b"[" * 5000, "invalid_json"),
        (b'{"type":"message","id":"m","text":"\\ud800"}', "invalid_text"),
        (b'{"type":"message","id":"m","text":"\\udc00x"}', "invalid_text"),
        (b"{}", "unknown_type"),
        (b'{"type":["message"]}', "unknown_type"),
        (b'{"type":"eval"}', "unknown_type"),
        (message(), "invalid_message"),
        (message(text=1), "invalid_message"),
        (message(text=["hi"]), "invalid_message"),
        (message(text="hi", attachments=[]), "invalid_attachments"),
        (message(attachments="x"), "invalid_attachments"),
        (message(attachments={"a": 1}), "invalid_attachments"),
        (message(attachments=[1]), "invalid_attachments"),
        (message(attachments=[FILE, FILE]), "invalid_attachments"),
        (message(attachments=[str(uuid4()) for _ in range(11)]), "invalid_attachments"),
        (message(attachments=[FILE], payload="x"), "invalid_message"),
        (message(attachments=[FILE], text=" "), "empty_text"),
        (message(attachments=[FILE], text=7), "invalid_message"),
        (message(text="hi", extra=1), "invalid_message"),
        (message(text=""), "empty_text"),
        (message(text=" \n\t\u3000"), "empty_text"),
        (message(text="a\0b"), "invalid_text"),
        (message(text="x" * 8001), "text_too_long"),
        (message(id="", text="hi"), "invalid_id"),
        (message(id=7, text="hi"), "invalid_id"),
        (message(id="x" * 129, text="hi"), "invalid_id"),
        (message(id="a b", text="hi"), "invalid_id"),
        (message(id="a\n", text="hi"), "invalid_id"),
        (message(payload="x" * 9000), "invalid_payload"),
        (b'{"type":"message","id":"m1","payload":' + b"[" * 300 + b"]" * 300 + b"}", "invalid_payload"),
        (message(payload={"deep": [{"a\0": 1}]}), "invalid_payload"),
        (message(payload={"deep": [{"a": "\0"}]}), "invalid_payload"),
        (message(payload="ok", text="a\0"), "invalid_text"),
        (b'{"type":"feedback"}', "invalid_feedback"),
        (b'{"type":"feedback","message_id":"x","value":1}', "invalid_feedback"),
    ],
)
def test_bad_input_is_refused_with_its_code(raw: bytes, code: str) -> None:
    refusal = refusal_of(raw)
    assert (refusal.code, refusal.status) == (code, 400)
    assert refusal.detail


@pytest.mark.parametrize("value", [None, True, 2, "1", 1.0])
def test_feedback_takes_three_values_only(value: object) -> None:
    frame = orjson.dumps({"type": "feedback", "message_id": str(uuid4()), "value": value})
    assert refusal_of(frame).code == "invalid_feedback"


def test_a_text_of_the_greatest_length_passes_and_sixty_four_kilobytes_are_the_end() -> None:
    assert parse_message({"id": "a", "text": "é" * 8000}).content == "é" * 8000
    with pytest.raises(Refused) as caught:
        parse_document(b" " * (64 * 1024 + 1))
    assert (caught.value.status, caught.value.code) == (413, "too_large")


def test_a_text_is_stored_as_it_was_typed() -> None:
    assert (
        parse_message({"id": "a", "text": "  two\n lines \U0001f600"}).content == "  two\n lines \U0001f600"
    )


def test_one_visitor_cannot_claim_the_message_ids_of_another() -> None:
    sent = SentMessage("m1", "hi", None, EntryKind.MESSAGE)
    one, other = (to_inbound(sent, DEMO, visitor) for visitor in ("visitor:a", "visitor:b"))
    assert not set(one.dedupe_keys) & set(other.dedupe_keys)
    assert one.wants_reply
    assert one.channel is DEMO


def test_a_refused_message_still_has_its_name() -> None:
    assert client_id_of({"id": "m1", "text": 5}) == "m1"
    assert client_id_of({"id": 5}) is None
    assert client_id_of({"id": "x" * 129}) is None


@pytest.mark.parametrize("text", [None, 1, "", "x" * 36, "{" + "0" * 34 + "}", "0" * 32, "' OR 1=1 --"])
def test_what_is_not_a_uuid_is_no_id(text: object) -> None:
    assert parse_id(text) is None


@given(st.binary(max_size=200))
def test_no_bytes_are_worse_than_refused(raw: bytes) -> None:
    assert status_of(raw) in (None, 400, 413)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["type", "id", "text", "payload", "value", "message_id"]), json_values)
)
def test_no_document_is_worse_than_refused(document: dict[str, Any]) -> None:
    try:
        raw = orjson.dumps(document)
    except TypeError:
        return
    assert status_of(raw) in (None, 400)
