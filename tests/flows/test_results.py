"""What a turn puts on the record that outlives its flow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flow_services import Conversation, bot_that

from flows import CallFailed, Chat, Flow
from flows.bot import Bot
from storage.outcomes import Flag, Result


async def price(thing: str) -> int:
    return len(thing)


async def nothing(*arguments: object) -> None:
    raise ConnectionError("away")


def kept(talk: Conversation) -> list[tuple[str, str, Any]]:
    assert talk.outcome is not None
    return [(result.kind, result.path, result.value) for result in talk.outcome.results]


def flags(talk: Conversation) -> set[bool]:
    assert talk.outcome is not None
    return {result.sensitive for result in talk.outcome.results}


async def test_a_turn_that_only_talks_keeps_nothing() -> None:
    async def script(chat: Chat) -> None:
        name = await chat.ask("name", "Your name?")
        await chat.remember("name", name)
        await chat.say("Hello.")

    talk = Conversation(bot_that(script))
    for text in ("go", "Ada"):
        await talk.say(text)
        assert kept(talk) == []


async def test_each_turn_keeps_its_own_results_and_the_last_those_of_a_flow_that_ended_in_it() -> None:
    async def script(chat: Chat) -> None:
        await chat.memo("day", lambda: 1)
        thing = await chat.ask("thing", "Which?")
        await chat.call(price, thing)
        try:
            await chat.call(nothing, thing)
        except CallFailed:
            await chat.say(await chat.flag("name", "nobody"))

    talk = Conversation(bot_that(script))
    talk.services.flags["name"] = Flag("name", "Ada")
    await talk.say("go")
    assert kept(talk) == [("memo", "day#0", 1)]
    await talk.say("this")
    assert kept(talk) == [
        ("call", "price#0", 4),
        ("call", "nothing#0", ["ConnectionError", "away"]),
        ("flag", "flag.name#0", "Ada"),
    ]
    assert talk.outcome is not None and talk.state.flow is None
    first, failed, _ = talk.outcome.results
    assert (first.name, first.flow, first.status, failed.status) == ("price", "main", "ok", "failed")
    assert first.digest and first.run == talk.outcome.results[1].run


async def test_what_a_child_and_a_gather_found_out_is_kept_though_the_record_forgets_it() -> None:
    child = Flow("child", description="Asks")

    @child
    async def ask_child(chat: Chat) -> int:
        await chat.memo("one", lambda: 1)
        return int(await chat.call(price, "x"))

    async def script(chat: Chat) -> None:
        await chat.enter(child)
        await chat.gather(chat.call(price, "ab"), chat.call(price, "abc"))
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert kept(talk) == [
        ("memo", "child#0/one#0", 1),
        ("call", "child#0/price#0", 1),
        ("call", "gather#0/[0]/price#0", 2),
        ("call", "gather#0/[1]/price#0", 3),
    ]


async def test_a_call_that_is_not_made_again_after_going_back_is_kept_once() -> None:
    async def script(chat: Chat) -> None:
        thing = await chat.ask("thing", "Which?")
        await chat.call(price, thing)
        await chat.ask("sure", "Sure?")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("this")
    assert kept(talk) == [("call", "price#0", 4)]
    await talk.say("back")
    await talk.say("this")
    assert kept(talk) == []
    await talk.say("back")
    await talk.say("other")
    assert kept(talk) == [("call", "price#0", 5)]


async def test_the_results_of_a_turn_with_a_sensitive_flow_are_sensitive_also_when_it_ended() -> None:
    async def script(chat: Chat) -> None:
        pin = await chat.ask("pin", "PIN?", sensitive=True)
        await chat.call(price, pin)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("1234")
    assert kept(talk) == [("call", "price#0", 4)] and flags(talk) == {True}
    assert talk.state.flow is None


async def test_a_one_time_code_is_kept_as_its_outcome_only() -> None:
    async def script(chat: Chat) -> None:
        await chat.verify_otp()

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert kept(talk) == [("otp_sent", "otp#0", "…0961")]
    await talk.say("100001")
    assert kept(talk) == [("otp", "otp#0", None)]


async def test_a_turn_that_failed_keeps_the_calls_that_it_made() -> None:
    async def script(chat: Chat) -> None:
        await chat.call(price, "ab")
        try:
            await chat.call(nothing)
        except CallFailed:
            raise RuntimeError("lost") from None

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert talk.failure is not None
    assert [path for _, path, _ in kept(talk)] == ["price#0", "nothing#0"]


async def test_a_lost_attempt_leaves_its_results_to_the_next_also_of_a_flow_that_had_ended() -> None:
    first = Flow("first", phrases=["first"])
    second = Flow("second", phrases=["go"])
    made: list[str] = []

    async def count(name: str) -> str:
        made.append(name)
        return name

    @first
    async def run_first(chat: Chat) -> None:
        await chat.ask("what", "What?")
        await chat.call(count, "after")

    @second
    async def run_second(chat: Chat) -> None:
        await chat.call(count, "in between")

    talk = Conversation(Bot([first, second]))
    await talk.say("first")
    talk.services.kill_at = {2}
    await talk.say("go")
    assert made == ["in between"]
    assert kept(talk) == [("call", "count#0", "in between")]
    third = Flow("third", phrases=["third"])

    @third
    async def run_third(chat: Chat) -> None:
        await chat.call(count, "third")
        await chat.continue_as(fourth)

    fourth = Flow("fourth")

    @fourth
    async def run_fourth(chat: Chat) -> None:
        await chat.call(count, "fourth")

    talk = Conversation(Bot([third, fourth]))
    made.clear()
    talk.services.kill_at = {4}
    await talk.say("third")
    assert made == ["third", "fourth"]
    assert kept(talk) == [("call", "count#0", "third"), ("call", "count#0", "fourth")]


async def test_an_event_is_kept_as_it_came_also_one_that_nothing_waits_for() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(str(await chat.wait(event="paid", timeout=timedelta(days=1))))

    talk = Conversation(bot_that(script))
    await talk.happen("early", 1)
    assert talk.outcome is not None
    assert talk.outcome.results == (Result("event", "early", 1),)
    await talk.say("go")
    await talk.happen("paid", {"sum": 5})
    assert kept(talk) == [("event", "", {"sum": 5})]


async def test_the_flow_that_a_message_was_taken_to_mean_is_kept() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("name", "Your name?")

    talk = Conversation(bot_that(script, description="Asks for a name"))
    talk.services.alike = {"who are you": {"main": 0.9}}
    await talk.say("who are you")
    assert talk.outcome is not None
    assert talk.outcome.results == (Result("route", "similarity", ["main"]),)
