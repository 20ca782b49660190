"""An `ask` with a time limit: the reminder, giving up, and an answer that comes all the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Flow, Unanswered
from flows.bot import Bot
from flows.errors import FlowMistake

HOUR = timedelta(hours=1)
GAVE_UP = "Let us leave it there for now. You can start again whenever you like."


async def asks(chat: Chat) -> None:
    size = await chat.ask(
        "size", "Which size?", choices=["S", "L"], timeout=2 * HOUR, reminder="Are you still there?"
    )
    await chat.ask("colour", f"{size}. Which colour?")


async def asked(script: Any = asks) -> Conversation:
    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["Which size?"]
    return talk


async def test_silence_brings_the_reminder_with_the_question_and_then_a_polite_end() -> None:
    talk = await asked()
    talk.pass_time(HOUR)
    assert await talk.ring() == ["Are you still there?\nWhich size?"]
    assert len(talk.timers) == 1
    talk.pass_time(HOUR)
    assert await talk.ring() == [GAVE_UP]
    assert talk.state.flow is None
    assert talk.timers == {}


async def test_an_answer_ends_both_timers() -> None:
    talk = await asked()
    assert len(talk.timers) == 2
    timers = list(talk.timers)
    assert await talk.say("S") == ["S. Which colour?"]
    assert talk.timers == {}
    for timer in timers:
        assert await talk.send(talk.fire(timer)) == []


async def test_an_answer_after_the_reminder_is_taken() -> None:
    talk = await asked()
    talk.pass_time(HOUR)
    await talk.ring()
    assert await talk.say("L") == ["L. Which colour?"]


async def test_an_answer_that_comes_late_but_before_the_timer_was_taken_up_counts() -> None:
    talk = await asked()
    timers = list(talk.timers)
    talk.pass_time(3 * HOUR)
    assert await talk.say("L") == ["L. Which colour?"]
    assert [await talk.send(talk.fire(timer)) for timer in timers] == [[], []]


async def test_after_an_outage_longer_than_the_limit_there_is_no_reminder_any_more() -> None:
    talk = await asked()
    talk.pass_time(5 * HOUR)
    assert await talk.ring() == [GAVE_UP]


async def test_wrong_answers_and_help_do_not_move_the_limit() -> None:
    talk = await asked()
    timers = dict(talk.timers)
    talk.pass_time(timedelta(minutes=50))
    await talk.say("XXL")
    await talk.say("help")
    assert talk.timers == timers


async def test_the_flow_may_catch_it_and_sees_that_it_was_time() -> None:
    async def patient(chat: Chat) -> None:
        try:
            await chat.ask("size", "Which size?", timeout=HOUR)
        except Unanswered as unanswered:
            await chat.say(f"{unanswered.name}: {unanswered.timed_out}")
        await chat.ask("colour", "Which colour?")

    talk = await asked(patient)
    talk.pass_time(HOUR)
    assert await talk.ring() == ["size: True", "Which colour?"]
    assert await talk.say("red") == []
    assert talk.state.flow is None


async def test_otherwise_is_returned_in_place_of_raising_now_and_in_replay() -> None:
    seen: list[Any] = []

    async def lenient(chat: Chat) -> None:
        seen.append(await chat.ask("size", "Which size?", int, timeout=HOUR, retries=0, otherwise=None))
        await chat.ask("colour", "Which colour?")

    talk = await asked(lenient)
    talk.pass_time(HOUR)
    assert await talk.ring() == ["Which colour?"]
    await talk.say("red")
    again = await asked(lenient)
    assert await again.say("large") == ["Which colour?"]
    assert seen == [None, None, None]


async def test_a_question_that_is_put_again_has_its_whole_time_again() -> None:
    talk = await asked()
    await talk.say("S")
    talk.pass_time(5 * HOUR)
    assert await talk.say("back") == ["Which size?"]
    assert max(timer.due_at for timer in talk.timers.values()) == talk.services.time + 2 * HOUR


async def test_the_time_of_a_question_that_was_answered_is_not_found_again_on_the_way_back() -> None:
    async def checked(chat: Chat) -> None:
        await chat.ask("size", "Which size?", timeout=HOUR)
        await chat.verify_otp()

    talk = await asked(checked)
    await talk.say("S")
    talk.pass_time(5 * HOUR)
    assert await talk.say("back") == ["Which size?"]
    assert [timer.due_at for timer in talk.timers.values()] == [talk.services.time + HOUR]


async def test_a_question_in_a_loop_has_its_own_time_each_time() -> None:
    async def guests(chat: Chat) -> None:
        for _ in range(2):
            await chat.ask("size", "Which size?", timeout=HOUR)

    talk = await asked(guests)
    [first] = talk.timers
    talk.pass_time(HOUR / 2)
    assert await talk.say("S") == ["Which size?"]
    [second] = talk.timers.values()
    assert second.id != first
    assert second.due_at == talk.services.time + HOUR


async def test_a_limit_that_ends_during_a_digression_counts_when_that_is_done() -> None:
    aside = Flow("aside", phrases=["aside"])

    @aside
    async def other(chat: Chat) -> None:
        await chat.ask("thing", "Which thing?")

    flow = Flow("main", phrases=["go"])
    flow(asks)
    talk = Conversation(Bot([flow, aside]))
    await talk.say("go")
    assert await talk.say("aside") == ["Which thing?"]
    talk.pass_time(2 * HOUR)
    assert await talk.ring() == []
    assert await talk.say("this") == [GAVE_UP]


async def test_a_limit_that_the_code_no_longer_has_is_a_turn_without_a_word() -> None:
    async def endless(chat: Chat) -> None:
        await chat.ask("size", "Which size?", choices=["S", "L"])

    talk = await asked()
    timers = list(talk.timers)
    talk.bot = bot_that(endless)
    assert await talk.send(talk.fire(timers[1])) == []
    assert talk.timers == {}
    assert await talk.send(talk.fire(timers[0])) == []
    assert await talk.say("S") == []


async def test_a_limit_holds_through_a_restart_of_the_flow() -> None:
    async def newer(chat: Chat) -> None:
        await chat.memo("unheard", lambda: 1)
        await asks(chat)

    talk = await asked()
    timers = dict(talk.timers)
    talk.bot = bot_that(newer)
    talk.pass_time(HOUR / 2)
    assert (await talk.say("XXL"))[0] == talk.bot.texts.restarted
    assert talk.timers == timers


async def test_a_reminder_that_dies_is_said_once() -> None:
    async def called(chat: Chat) -> None:
        await chat.call(quick)
        await asks(chat)

    async def quick() -> int:
        return 1

    talk = Conversation(bot_that(called))
    await talk.say("go")
    talk.pass_time(2 * HOUR)
    talk.services.kill_at = {1}
    assert await talk.ring() == [GAVE_UP]


async def test_a_limit_that_is_no_duration_is_the_authors_mistake() -> None:
    async def wrong(chat: Chat) -> None:
        await chat.ask("size", "Which size?", timeout=30)  # type: ignore[call-overload]

    talk = Conversation(bot_that(wrong))
    await talk.say("go")
    assert isinstance(talk.failure, FlowMistake)


@pytest.mark.parametrize("damaged", [["x"], ["a", "b", "due", "2026-01-01T00:00:00+00:00", False], 3])
async def test_damaged_timers_are_a_damaged_state(damaged: Any) -> None:
    talk = await asked()
    talk.state.data["frames"][0]["alarms"] = [damaged]  # type: ignore[index]
    assert await talk.say("S") == [talk.bot.texts.damaged, talk.bot.texts.menu_unknown + "\n- Main"]


async def test_a_reminder_without_a_time_limit_is_the_authors_mistake() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("size", "Which size?", reminder="Still there?")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert str(talk.failure) == "ask size: reminder= is said after half of timeout=; give that too"
