"""`continue_as`: a conversation of any length on a small record."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import orjson
import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake

survey = Flow("survey", phrases=["survey"])


@survey
async def ask_a_hundred(chat: Chat, start: int = 0, total: int = 0) -> None:
    for number in range(start, start + 100):
        total += await chat.ask("answer", f"Question {number}?", int)
    if start + 100 < 1000:
        await chat.continue_as(survey, start=start + 100, total=total)
    await chat.say(f"In all {total}.")


async def test_a_thousand_asks_go_on_by_the_hundred_and_the_state_stays_small() -> None:
    talk = Conversation(Bot([survey]))
    assert await talk.say("survey") == ["Question 0?"]
    largest = 0
    for number in range(999):
        assert await talk.say(str(number)) == [f"Question {number + 1}?"]
        largest = max(largest, len(orjson.dumps(talk.state.data)))
    assert await talk.say("999") == [f"In all {sum(range(1000))}."]
    assert talk.state.data == {}
    assert largest < 8_000


async def test_it_may_go_on_as_another_flow_with_values_of_the_record() -> None:
    first, second = Flow("first", phrases=["go"]), Flow("second")

    @first
    async def begin(chat: Chat) -> None:
        await chat.ask("name", "Name?")
        await chat.say("Thank you.")
        await chat.continue_as("second", day=date(2026, 3, 1), who=["Ada"])
        await chat.say("never")

    @second
    async def go_on(chat: Chat, day: date | None = None, who: list[str] | None = None) -> None:
        more = await chat.ask("more", f"{day:%d.%m.} {who}: more?")
        await chat.say(f"{day!r} {more}")

    talk = Conversation(Bot([first, second]))
    await talk.say("go")
    assert await talk.say("Ada") == ["Thank you.", "01.03. ['Ada']: more?"]
    assert talk.state.flow == "second"
    assert await talk.say("no") == ["datetime.date(2026, 3, 1) no"]


async def test_the_flow_below_goes_on_when_the_last_part_ends() -> None:
    below = Flow("below", phrases=["go"])

    @below
    async def wait(chat: Chat) -> None:
        await chat.ask("number", "Number?", int)

    parts = Flow("parts", phrases=["parts"])

    @parts
    async def part(chat: Chat, number: int = 1) -> None:
        await chat.ask("sure", f"Part {number}?")
        if number < 2:
            await chat.continue_as(parts, number=number + 1)

    talk = Conversation(Bot([below, parts]))
    await talk.say("go")
    assert await talk.say("parts") == ["Part 1?"]
    assert await talk.say("yes") == ["Part 2?"]
    assert await talk.say("yes") == ["Number?"]


async def test_start_over_begins_where_the_person_began() -> None:
    talk = Conversation(Bot([survey]))
    await talk.say("survey")
    for _ in range(100):
        await talk.say("1")
    assert (await talk.say("start over"))[-1] == "Question 0?"


async def test_killed_at_a_checkpoint_of_the_next_part_everything_is_said_once() -> None:
    calls: list[int] = []

    async def book(number: int) -> None:
        calls.append(number)

    parts = Flow("parts", phrases=["go"])

    @parts
    async def part(chat: Chat, number: int = 1) -> None:
        await chat.say(f"Part {number}.")
        await chat.call(book, number)
        if number < 3:
            await chat.continue_as(parts, number=number + 1)
        await chat.say("Done.")

    for kill_at in range(1, 7):
        calls.clear()
        talk = Conversation(Bot([parts]))
        talk.services.kill_at = {kill_at}
        assert await talk.say("go") == ["Part 1.", "Part 2.", "Part 3.", "Done."]
        assert sorted(set(calls)) == [1, 2, 3]
        assert len(calls) <= 4


async def test_when_the_next_part_fails_the_person_is_back_at_the_last_question() -> None:
    failing = [True]
    parts = Flow("parts", phrases=["go"])

    @parts
    async def part(chat: Chat, number: int = 1) -> None:
        if number == 2 and failing.pop():
            raise ZeroDivisionError
        await chat.ask("sure", f"Part {number}?")
        if number == 1:
            await chat.continue_as(parts, number=2)

    talk = Conversation(Bot([parts]))
    await talk.say("go")
    assert await talk.say("yes") == [talk.bot.texts.apology]
    failing.append(False)
    assert await talk.say("yes") == ["Part 2?"]


async def test_a_part_that_follows_a_sensitive_one_is_sealed_too() -> None:
    first, second = Flow("first", phrases=["go"]), Flow("second")

    @first
    async def take(chat: Chat) -> None:
        await chat.continue_as(second, pin=await chat.ask("pin", "Pin?", sensitive=True))

    @second
    async def use(chat: Chat, pin: str = "") -> None:
        await chat.ask("sure", "Sure?")

    talk = Conversation(Bot([first, second]))
    await talk.say("go")
    assert await talk.say("4711") == ["Sure?"]
    assert talk.outcome is not None
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive


async def test_a_slot_that_the_code_no_longer_takes_is_left_out() -> None:
    def bot(*, old: bool) -> Bot:
        parts = Flow("parts", phrases=["go"])

        async def with_two(chat: Chat, number: int = 1, colour: str = "") -> None:
            await chat.ask("sure", f"Part {number} {colour}?")
            await chat.continue_as(parts, number=2, colour="red")

        async def with_one(chat: Chat, number: int = 1) -> None:
            sure = await chat.ask("sure", f"Part {number}?")
            await chat.say(f"{number}, {sure}")

        parts(with_two if old else with_one)
        return Bot([parts])

    talk = Conversation(bot(old=True))
    await talk.say("go")
    assert await talk.say("yes") == ["Part 2 red?"]
    talk.bot = bot(old=False)
    assert await talk.say("yes") == ["2, yes"]


async def test_a_part_whose_code_changed_begins_anew_with_its_slots() -> None:
    def bot(*, old: bool) -> Bot:
        plan, parts = Flow("plan", phrases=["go"]), Flow("parts")

        @plan
        async def begin(chat: Chat) -> None:
            await chat.say("Let us plan.")
            await chat.continue_as(parts)

        @parts
        async def part(chat: Chat, number: int = 1) -> None:
            if not old:
                await chat.ask("place", f"Part {number}, where?")
            await chat.ask("day", f"Part {number}, when?")
            await chat.continue_as(parts, number=number + 1)

        return Bot([plan, parts])

    talk = Conversation(bot(old=True))
    await talk.say("go")
    assert await talk.say("Friday") == ["Part 2, when?"]
    talk.bot = bot(old=False)
    assert await talk.say("Monday") == [talk.bot.texts.restarted, "Part 2, where?"]
    assert await talk.say("start over") == [
        talk.bot.texts.started_over,
        "Let us plan.",
        "Part 1, where?",
    ]


async def continued(*args: Any, **slots: Any) -> Conversation:
    async def script(chat: Chat) -> None:
        await chat.continue_as(*args, **slots)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    return talk


@pytest.mark.parametrize(
    ("arguments", "slots", "told"),
    [
        (("nowhere",), {}, "there is no flow 'nowhere'"),
        (("main",), {"colour": "red"}, "continue_as: flow 'main' takes no 'colour'; give its function an"),
        (("main",), {}, "continue_as again and again: ask something in between"),
    ],
    ids=["unknown flow", "unknown slot", "for ever"],
)
async def test_misuse_is_told_in_one_line(arguments: Any, slots: dict[str, Any], told: str) -> None:
    talk = await continued(*arguments, **slots)
    assert str(talk.failure).startswith(told)
    assert talk.state.flow is None


async def test_a_slot_that_is_not_json_is_told_with_its_name() -> None:
    async def script(chat: Chat, found: Any = None) -> None:
        await chat.continue_as("main", found={1, 2})

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert str(talk.failure).startswith("continue_as found: a set cannot be recorded")


async def test_an_entered_flow_cannot_continue_as_another() -> None:
    child, main = Flow("child"), Flow("main", phrases=["go"])

    @child
    async def script(chat: Chat) -> None:
        await chat.continue_as("main")

    @main
    async def around(chat: Chat) -> None:
        await chat.call(asyncio.sleep, 0)
        await chat.enter(child)

    talk = Conversation(Bot([main, child]))
    await talk.say("go")
    assert str(talk.failure).startswith("continue_as: an entered flow returns to the one around it")


def test_a_slot_without_a_default_is_refused_when_the_flow_is_defined() -> None:
    async def script(chat: Chat, number: int) -> None:
        await chat.say(str(number))

    with pytest.raises(FlowMistake, match="flow 'main': give 'number' a default"):
        Flow("main")(script)
