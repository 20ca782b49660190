"""The emulator against the SDK's own types, and as a program without the SDK sees it."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import anthropic
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.shared import ErrorResponse
from pydantic import TypeAdapter

from bot.emulators.model.script import BadScript
from bot.emulators.model.server import ModelEmulator

EVENT = TypeAdapter(RawMessageStreamEvent)
QUESTION = {"role": "user", "content": "Which colour has the door?"}
BODY = {"model": "claude-haiku-5-5", "max_tokens": 500, "messages": [QUESTION]}
RESULT = {
    "type": "search_result",
    "source": "house.md",
    "title": "The house",
    "content": [
        {"type": "text", "text": "The roof is flat."},
        {"type": "text", "text": "The door has the colour green. It was painted in May."},
    ],
    "citations": {"enabled": True},
}
TOOL = {"name": "paint", "description": "Paints.", "input_schema": {"type": "object", "properties": {}}}
STEPS = [
    {},
    {"text": "Green."},
    {"thinking": "Hm.", "text": ["Gr", "een."]},
    {"tool_use": {"name": "paint", "input": {"colour": "green", "layers": 2}}},
    {"text": "I paint.", "tool_use": [{"name": "paint"}, {"name": "paint", "input": {"colour": "red"}}]},
    {"text": "No.", "stop_reason": "refusal"},
    {"text": "Green.", "cite": [0]},
]


def with_result(**more):
    content = [RESULT, {"type": "text", "text": QUESTION["content"]}]
    return {**BODY, "messages": [{"role": "user", "content": content}], **more}


@pytest.fixture
async def emulator():
    async with ModelEmulator() as emulator:
        yield emulator


@pytest.fixture
async def http(emulator):
    headers = {"x-api-key": emulator.key, "anthropic-version": "2026-10-21"}
    async with aiohttp.ClientSession(emulator.url, headers=headers) as session:
        yield session


async def stream(http, body):
    """The events' data, in order; each event's name is its type."""
    events = []
    async with http.post("/v1/messages", json={**body, "stream": True}) as response:
        assert response.content_type == "text/event-stream"
        for part in (await response.text()).split("\n\n"):
            if part:
                name, data = part.split("\n")
                events.append(json.loads(data.removeprefix("data: ")))
                assert name == f"event: {events[-1]['type']}"
    return events


async def refused(http, body, **more):
    async with http.post("/v1/messages", json=body, **more) as response:
        answer = await response.json()
        ErrorResponse.model_validate(answer, strict=True)
        assert answer["request_id"] == response.headers["request-id"]
        return response.status, answer["error"]["type"], answer["error"]["message"]


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize(
    "body", [{**BODY, "tools": [TOOL]}, with_result(tools=[TOOL])], ids=["bare", "result"]
)
async def test_every_event_is_one_of_the_sdks_types(emulator, http, step, body):
    emulator.script(step)
    events = await stream(http, body)
    for event in events:
        if event["type"] != "ping":
            EVENT.validate_python(event, strict=True)
    types = [event["type"] for event in events]
    assert (types[0], types[-2], types[-1]) == ("message_start", "message_delta", "message_stop")
    assert types.count("ping") == 1
    assert types.count("content_block_start") == types.count("content_block_stop")


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_the_whole_message_is_what_the_stream_adds_up_to(emulator, http, step):
    emulator.script(step, step)
    body = with_result(tools=[TOOL])
    async with http.post("/v1/messages", json=body) as response:
        whole = Message.model_validate(await response.json(), strict=True)
    client = anthropic.AsyncAnthropic(api_key=emulator.key, base_url=emulator.url, max_retries=0)
    async with client.messages.stream(**body) as streamed:
        added_up = await streamed.get_final_message()
    await client.close()
    assert added_up.stop_reason == whole.stop_reason
    assert added_up.usage == whole.usage
    for one, other in zip(added_up.content, whole.content, strict=True):
        assert one.model_dump(exclude={"id", "parsed_output"}) == other.model_dump(exclude={"id"})


async def test_it_answers_from_the_results_by_quoting_what_fits_best(http):
    async with http.post("/v1/messages", json=with_result()) as response:
        message = await response.json()
    [block] = message["content"]
    assert block["text"] == "The door has the colour green."
    [citation] = block["citations"]
    assert citation["cited_text"] == RESULT["content"][1]["text"]
    assert (citation["search_result_index"], citation["start_block_index"]) == (0, 1)


async def test_the_same_question_has_the_same_answer(http):
    first, second = [await stream(http, with_result()) for _ in range(2)]
    assert first[1:] == second[1:]


async def test_results_that_say_nothing_of_it_are_not_quoted(http):
    other = {**RESULT, "content": [{"type": "text", "text": "Cats sleep."}]}
    content = [other, {"type": "text", "text": "Who won?"}]
    async with http.post(
        "/v1/messages", json={**BODY, "messages": [{"role": "user", "content": content}]}
    ) as got:
        [block] = (await got.json())["content"]
    assert block == {"type": "text", "text": "The search results do not say."}


async def test_without_results_it_says_what_it_is(http):
    async with http.post("/v1/messages", json=BODY) as response:
        [block] = (await response.json())["content"]
    assert "emulator" in block["text"]
    assert block["text"].endswith(QUESTION["content"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"model": None}, "model: Field required"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "system", "content": "Hi"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "poem"}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{**RESULT, "title": ""}]}]}, "title"),
        ({"messages": [{"role": "user", "content": [{**RESULT, "source": None}]}]}, "source"),
        ({"messages": [{"role": "user", "content": [{**RESULT, "content": "x"}]}]}, "content"),
        ({"messages": [QUESTION, {"role": "assistant", "content": "It"}]}, "prefill"),
        ({"system": [{"type": "text", "text": ""}]}, "system.0"),
        ({"tools": [{**TOOL, "name": "no spaces"}]}, "tools.0.name"),
        ({"tools": [{**TOOL, "input_schema": {"type": "string"}}]}, "tools.0.input_schema"),
        ({"temperature": 1.0}, "temperature"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
    ],
)
async def test_what_the_api_refuses_is_refused(http, change, said):
    status, type_, message = await refused(http, {**BODY, **change})
    assert (status, type_) == (400, "invalid_request_error")
    assert said in message


async def test_an_older_version_of_the_api_takes_a_temperature(http):
    headers = {"anthropic-version": "2023-06-01"}
    async with http.post("/v1/messages", json={**BODY, "temperature": 1.0}, headers=headers) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers", [{}, {"x-api-key": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}]
)
async def test_without_the_key_nothing_is_answered(emulator, headers):
    async with aiohttp.ClientSession(emulator.url, headers=headers) as http:
        assert (await refused(http, BODY))[:2] == (401, "authentication_error")


async def test_the_key_may_come_as_a_bearer_token(emulator):
    headers = {"Authorization": f"Bearer {emulator.key}", "anthropic-version": "2026-10-21"}
    async with (
        aiohttp.ClientSession(emulator.url, headers=headers) as http,
        http.post("/v1/messages", json=BODY) as response,
    ):
        assert response.status == 200


async def test_what_is_no_json_is_refused(emulator, http):
    async with http.post("/v1/messages", data=b"{") as response:
        assert response.status == 400


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 504, 529])
async def test_a_scripted_error_has_the_apis_envelope(emulator, http, status):
    emulator.script({"error": status, "retry_after": 9})
    async with http.post("/v1/messages", json=BODY) as response:
        assert (response.status, response.headers["retry-after"]) == (status, "9")
        ErrorResponse.model_validate(await response.json(), strict=True)
    async with http.post("/v1/messages", json=BODY) as response:
        assert response.status == 200, "a step is for one request"


async def test_an_event_of_an_error_has_it_too(emulator, http):
    emulator.script({"text": "Green.", "fault": "error", "after": 3})
    async with http.post("/v1/messages", json={**BODY, "stream": True}) as response:
        while await response.content.readline() != b"event: error\n":
            pass
        data = await response.content.readline()
    ErrorResponse.model_validate_json(data.removeprefix(b"data: "), strict=True)


async def test_a_script_is_put_and_what_came_in_is_shown_over_http(emulator, http):
    async with http.put("/emulator/script", json=[{"text": "One"}, {"text": "Two"}]) as response:
        assert await response.json() == {"steps": 2}
    for expected in ("One", "Two"):
        async with http.post("/v1/messages", json=BODY) as response:
            assert (await response.json())["content"][0]["text"] == expected
    async with http.get("/emulator/requests") as response:
        shown = await response.json()
    assert [each["body"] for each in shown] == [BODY, BODY]
    assert emulator.key not in json.dumps(shown)


@pytest.mark.parametrize(
    "script",
    [
        {},
        ["x"],
        [{"say": "x"}],
        [{"fault": "fire"}],
        [{"stop_reason": "bored"}],
        [{"tool_use": 5}],
        [{"delay": "x"}],
    ],
)
async def test_a_script_that_cannot_be_followed_is_refused(emulator, http, script):
    async with http.put("/emulator/script", json=script) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    if isinstance(script, list) and isinstance(script[0], dict):
        with pytest.raises(BadScript):
            emulator.script(*script)


async def test_closing_it_ends_what_it_keeps_waiting():
    headers = {"x-api-key": "emulated", "anthropic-version": "2026-10-21"}
    emulator = ModelEmulator()
    async with aiohttp.ClientSession(headers=headers) as http:
        async with emulator:
            emulator.script({"text": "Green.", "fault": "stall", "after": 1, "seconds": 3600})
            url = f"{emulator.url}/v1/messages"
            response = await http.post(url, json={**BODY, "stream": True})
            assert b"message_start" in await response.content.readline()
        async with asyncio.timeout(10):
            assert (await response.read()).count(b"message_stop") == 2
