"""Events that the emulator does not send."""

from __future__ import annotations

import pytest
from anthropic._models import construct_type
from anthropic.types import RawMessageStreamEvent

from flows.llm.anthropic_reply import Reply
from flows.llm.contract import Cited, ErrorKind, Finished, ModelError, StopReason, Text, Usage

START = {
    "type": "message_start",
    "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}


def read(*events, sources=(0, 1)):
    reply = Reply(list(sources))
    told = []
    for event in events:
        told += reply.read(construct_type(type_=RawMessageStreamEvent, value=event))
    return told


def block(index, *deltas, **started):
    yield {
        "type": "content_block_start",
        "index": index,
        "content_block": {"type": "text", "text": "", **started},
    }
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def said(text):
    return {"type": "text_delta", "text": text}


def cited(index, type_="search_result_location"):
    citation = {"type": type_, "search_result_index": index, "cited_text": "q", "source": "s", "title": "t"}
    return {
        "type": "citations_delta",
        "citation": {**citation, "start_block_index": 0, "end_block_index": 1},
    }


def ended(reason="end_turn", **usage):
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7, **usage}}


@pytest.mark.parametrize("deltas", [[cited(0), said("Yes.")], [said("Yes."), cited(0)]])
def test_a_citation_follows_its_text_whichever_way_the_api_sends_them(deltas):
    assert read(*block(0, *deltas)) == [Text("Yes."), Cited(0, "q")]


def test_a_citation_of_what_was_not_sent_is_dropped():
    told = read(*block(0, said("Yes."), cited(9), cited(-1), cited(0, "web_search_result_location")))
    assert told == [Text("Yes.")]


def test_usage_is_cumulative_and_what_is_left_out_stays():
    told = read(START, ended(output_tokens=9), STOP)
    assert told == [Finished(StopReason.ENDED, Usage(15, 9, 5, 0))]
    told = read(START, ended(input_tokens=12, cache_creation_input_tokens=3), STOP)
    assert told == [Finished(StopReason.ENDED, Usage(20, 7, 5, 3))]


def test_what_a_later_api_brings_is_passed_over():
    told = read(
        START,
        {"type": "new_event", "what": 1},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "new_block"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "text": "no"}},
        {"type": "content_block_stop", "index": 0},
        *block(1, said("Yes.")),
        ended(),
        STOP,
    )
    assert told[0] == Text("Yes.")


def test_an_unknown_reason_to_stop_is_an_error():
    with pytest.raises(ModelError) as caught:
        read(START, ended("bored"), STOP)
    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize("text", ['{"id": ', "[1]", "5", "null", '{"a": 1}}'])
def test_a_tool_with_arguments_that_are_no_object_is_not_called(text):
    tool = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    pieces = [
        {"type": "content_block_start", "index": 0, "content_block": tool},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": text},
        },
        {"type": "content_block_stop", "index": 0},
    ]
    with pytest.raises(ModelError) as caught:
        read(START, *pieces, ended("tool_use"), STOP)
    assert caught.value.kind is ErrorKind.INVALID
