"""`generate`: a text or an object by the tenant's model, once and on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import pytest
from flow_services import Conversation, bot_that

from flows import CallFailed, Chat
from flows.errors import Unavailable
from flows.llm.contract import (
    ErrorKind,
    Event,
    Finished,
    ModelError,
    ModelRequest,
    StopReason,
    Text,
    ToolCall,
    Usage,
)
from flows.services import ModelChoice

MODEL = ModelChoice("anthropic", "claude-haiku-5-5", "Be brief.", effort="low")
ENDED = Finished(StopReason.ENDED, Usage(10, 5))
SCHEMA = {"type": "object", "properties": {"mood": {"type": "string"}}, "required": ["mood"]}


def conversation(*says: list[Event | Exception], **wanted: Any) -> Conversation:
    async def script(chat: Chat) -> None:
        name = await chat.ask("name", "Name?")
        try:
            written = await chat.generate(f"Greet {name}.", **wanted)
        except CallFailed as failure:
            written = f"failed: {failure.kind}"
        more = await chat.ask("more", f"<{written}>")
        await chat.say(f"{written}, {more}")

    talk = Conversation(bot_that(script))
    talk.services.model = MODEL
    talk.services.model_says = list(says)
    return talk


async def greeted(talk: Conversation) -> list[str]:
    await talk.say("go")
    return await talk.say("Ada")


def hello() -> list[Event | Exception]:
    return [Text("Hel"), Text("lo"), ENDED]


def gave(**arguments: Any) -> list[Event | Exception]:
    return [ToolCall("1", "give_result", arguments), Finished(StopReason.TOOL_USE, Usage(1, 1))]


async def test_the_text_comes_back_and_replay_asks_nothing_again() -> None:
    talk = conversation(hello())
    assert await greeted(talk) == ["<Hello>"]
    assert await talk.say("more") == ["Hello, more"]
    (request,) = talk.services.requests
    assert (request.model, request.system, request.effort) == ("claude-haiku-5-5", "Be brief.", "low")
    assert request.messages[0].text == "Greet Ada."
    assert request.max_tokens == MODEL.max_tokens


async def test_system_and_max_tokens_go_beside_the_bots_own_instructions() -> None:
    talk = conversation(hello(), system="Rhyme.", max_tokens=50)
    await greeted(talk)
    (request,) = talk.services.requests
    assert (request.system, request.max_tokens) == ("Be brief.\n\nRhyme.", 50)


async def test_a_streamed_text_is_shown_as_it_comes_and_said_as_one_message() -> None:
    talk = conversation(hello(), stream=True)
    await talk.say("go")
    assert await talk.say("Ada", reply_id=UUID(int=9)) == ["Hello", "<Hello>"]
    assert [text for *_, text in talk.services.deltas] == ["Hel", "lo"]
    assert {message_id for message_id, *_ in talk.services.deltas} == {UUID(int=9)}
    assert talk.outcome is not None
    assert talk.outcome.replies[0].id == UUID(int=9)
    assert await talk.say("more") == ["Hello, more"]


@pytest.mark.parametrize("stream", [False, True])
async def test_killed_after_the_model_answered_it_is_not_paid_again_and_said_once(stream: bool) -> None:
    talk = conversation(hello(), stream=stream)
    await talk.say("go")
    talk.services.kill_at = {1}
    assert await talk.say("Ada") == (["Hello", "<Hello>"] if stream else ["<Hello>"])
    assert not talk.services.kill_at
    assert len(talk.services.requests) == 1


async def test_a_turn_that_fails_afterwards_keeps_what_was_paid_for() -> None:
    failing = [True]

    async def script(chat: Chat) -> None:
        topic = await chat.ask("topic", "Topic?")
        text = await chat.generate(f"Write about {topic}.")
        if failing.pop():
            raise ZeroDivisionError
        await chat.say(text)

    talk = Conversation(bot_that(script))
    talk.services.model, talk.services.model_says = MODEL, [hello(), [Text("Other"), ENDED]]
    await talk.say("go")
    assert await talk.say("tea") == [talk.bot.texts.apology]
    failing.append(False)
    assert await talk.say("tea") == ["Hello"]
    assert len(talk.services.requests) == 1
    await talk.say("go")
    failing.append(False)
    assert await talk.say("milk") == ["Other"]


async def test_a_sensitive_one_seals_the_record_and_the_reply() -> None:
    talk = conversation(hello(), stream=True, sensitive=True)
    await greeted(talk)
    assert talk.outcome is not None
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive
    assert talk.outcome.replies[0].sensitive


async def test_without_a_model_it_fails_the_same_live_and_in_replay() -> None:
    talk = conversation()
    talk.services.model = None
    assert await greeted(talk) == ["<failed: no_model>"]
    talk.services.model, talk.services.model_says = MODEL, [hello()]
    assert await talk.say("more") == ["failed: no_model, more"]


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ([ModelError(ErrorKind.OVERLOADED, "busy")], "overloaded"),
        ([ModelError(ErrorKind.CAP, "cap")], "cap"),
        ([Text("Half"), ModelError(ErrorKind.CUT, "cut")], "cut"),
        ([Unavailable("postgres")], "unavailable"),
        ([Text("I must"), Finished(StopReason.REFUSED, Usage())], "declined"),
        ([Text(" "), ENDED], "invalid"),
        ([ENDED], "invalid"),
    ],
)
async def test_a_model_that_fails_raises_call_failed_live_and_in_replay(
    says: list[Event | Exception], kind: str
) -> None:
    talk = conversation(says)
    assert await greeted(talk) == [f"<failed: {kind}>"]
    assert await talk.say("more") == [f"failed: {kind}, more"]
    assert len(talk.services.requests) == 1


async def test_what_a_person_has_seen_of_a_broken_stream_does_not_vanish() -> None:
    talk = conversation([Text("Half an ans"), ModelError(ErrorKind.CUT, "cut")], stream=True)
    await talk.say("go")
    talk.services.kill_at = {1}
    assert await talk.say("Ada") == ["Half an ans …", "<failed: cut>"]


async def test_but_what_the_model_took_back_is_not_kept() -> None:
    talk = conversation([Text("I must"), Finished(StopReason.REFUSED, Usage())], stream=True)
    assert await greeted(talk) == ["…", "<failed: declined>"]


async def test_a_text_cut_at_max_tokens_says_so() -> None:
    talk = conversation([Text("Once upon"), Finished(StopReason.MAX_TOKENS, Usage())])
    assert await greeted(talk) == ["<Once upon …>"]


async def test_with_a_schema_it_is_an_object_that_fits() -> None:
    talk = conversation(gave(mood="glad"), schema=SCHEMA)
    assert await greeted(talk) == ["<{'mood': 'glad'}>"]
    (request,) = talk.services.requests
    assert [tool.name for tool in request.tools] == ["give_result"]
    assert "give_result" in request.system


@pytest.mark.parametrize(
    "first", [gave(mood=3), [Text("glad"), ENDED], gave()], ids=["wrong", "text", "less"]
)
async def test_one_that_does_not_fit_is_tried_once_more_with_the_reason(
    first: list[Event | Exception],
) -> None:
    talk = conversation(first, gave(mood="glad"), schema=SCHEMA)
    assert await greeted(talk) == ["<{'mood': 'glad'}>"]
    assert "Your last result did not fit: " in talk.services.requests[1].messages[0].text


async def test_twice_wrong_fails() -> None:
    talk = conversation(gave(mood=3), gave(mood=4), schema=SCHEMA)
    assert await greeted(talk) == ["<failed: invalid>"]


@pytest.mark.parametrize("stream", [False, True])
async def test_stop_ends_it_at_once(stream: bool) -> None:
    talk = conversation(stream=stream)

    async def half(purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        yield Text("Half")
        talk.services.stopped.set()
        await asyncio.Event().wait()

    talk.services.generate = half  # type: ignore[method-assign]
    assert await greeted(talk) == (["Half … (stopped)"] if stream else [])


async def test_several_are_written_side_by_side() -> None:
    both = asyncio.Barrier(2)

    async def script(chat: Chat) -> None:
        await chat.say(" ".join(await chat.gather(chat.generate("one"), chat.generate("two"))))

    talk = Conversation(bot_that(script))
    talk.services.model = MODEL

    async def together(purpose: str, request: ModelRequest) -> AsyncGenerator[Event, None]:
        async with both:
            yield Text(request.messages[0].text)
        yield ENDED

    talk.services.generate = together  # type: ignore[method-assign]
    assert await talk.say("go") == ["one two"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"schema": SCHEMA, "stream": True}, "generate: there is nothing to stream with a schema"),
        ({"schema": {"type": "string"}}, "generate: the schema is of an object"),
    ],
)
async def test_misuse_is_told_in_one_line(wanted: dict[str, Any], told: str) -> None:
    talk = conversation(**wanted)
    assert await greeted(talk) == [talk.bot.texts.apology]
    assert str(talk.failure).startswith(told)


async def test_streaming_inside_gather_is_refused() -> None:
    async def script(chat: Chat) -> None:
        await chat.gather(chat.generate("one", stream=True))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert str(talk.failure) == "generate: there is nothing to stream inside gather; leave stream= away"
