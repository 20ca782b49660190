"""`enter` and `end`: flows inside flows, each thing said once and in order."""

from __future__ import annotations

from contextlib import suppress

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake


def nested() -> Bot:
    inner, middle, outer = Flow("inner"), Flow("middle"), Flow("outer", phrases=["go"])

    @inner
    async def innermost(chat: Chat) -> str:
        await chat.say("inner in")
        answer = await chat.ask("q", "inner?")
        await chat.say("inner out")
        return str(answer)

    @middle
    async def between(chat: Chat) -> list[str]:
        await chat.say("middle in")
        first = await chat.enter(inner)
        second = await chat.enter("inner")
        await chat.say("middle out")
        return [first, second]

    @outer
    async def outermost(chat: Chat) -> None:
        await chat.say("outer in")
        answers = await chat.enter(middle)
        await chat.ask("q", "outer?")
        await chat.say(f"outer out {answers}")

    return Bot([inner, middle, outer])


async def test_nested_flows_say_everything_once_and_in_order() -> None:
    talk = Conversation(nested())
    for text in ("go", "a", "b", "c"):
        await talk.say(text)
    assert talk.transcript == [
        "outer in", "middle in", "inner in", "inner?",
        "inner out", "inner in", "inner?",
        "inner out", "middle out", "outer?",
        "outer out ['a', 'b']",
    ]  # fmt: skip


async def test_a_flow_that_returned_keeps_only_its_result() -> None:
    talk = Conversation(nested())
    for text in ("go", "a", "b"):
        await talk.say(text)
    [row] = talk.state.data["frames"][0]["rows"]
    assert row[1:4] == ["", "middle#0", "enter"]
    assert row[6] == ["a", "b"]


async def test_while_a_flow_is_entered_only_what_returned_inside_it_is_collapsed() -> None:
    talk = Conversation(nested())
    for text in ("go", "a"):
        await talk.say(text)
    [row] = talk.state.data["frames"][0]["rows"]
    assert row[1:4] == ["middle#0/", "inner#0", "enter"]


async def test_end_in_an_entered_flow_ends_that_one_with_its_value() -> None:
    child, parent = Flow("child"), Flow("parent", phrases=["go"])

    @child
    async def inner(chat: Chat) -> None:
        try:
            await chat.end("bye from child", value=7)
        finally:
            await chat.say("never heard")

    @parent
    async def outer(chat: Chat) -> None:
        value = await chat.enter(child)
        await chat.say(f"child gave {value}")

    assert await Conversation(Bot([child, parent])).say("go") == ["bye from child", "child gave 7"]


async def test_end_ends_the_flow_even_if_the_flow_swallows_it() -> None:
    async def script(chat: Chat) -> None:
        try:
            await chat.end("bye")
        except BaseException:
            await chat.say("still here")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["bye"]
    assert talk.state.flow is None


async def test_a_verb_in_finally_sends_and_records_nothing() -> None:
    closed: list[str] = []

    async def script(chat: Chat) -> None:
        try:
            await chat.ask("one", "One?")
        finally:
            closed.append("finally")
            await chat.say("cleaning up")
            await chat.call(closed.append, "never")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["One?"]
    assert closed == ["finally"]
    assert talk.state.data["frames"][0]["rows"] == []


async def test_a_flow_that_catches_everything_parks_all_the_same() -> None:
    async def script(chat: Chat) -> None:
        with suppress(BaseException):
            await chat.ask("one", "One?")
        await chat.say("two")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["One?"]
    assert talk.state.state_name == "one#0"
    assert await talk.say("x") == ["two"]


async def test_entering_a_flow_that_is_not_there_names_it() -> None:
    async def script(chat: Chat) -> None:
        await chat.enter("nobody")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert isinstance(talk.failure, FlowMistake)
    assert "'nobody'" in str(talk.failure)


@pytest.mark.parametrize("rounds", [1, 3])
async def test_a_name_used_again_is_another_entry(rounds: int) -> None:
    async def script(chat: Chat) -> None:
        said = [await chat.ask("word", f"Word {i}?") for i in range(rounds)]
        await chat.say(" ".join(said))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    for i in range(rounds):
        last = await talk.say(f"w{i}")
    assert last == [" ".join(f"w{i}" for i in range(rounds))]
