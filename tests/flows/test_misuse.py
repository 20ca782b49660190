"""Flows with mistakes: the person gets an apology and a way on, the operator the flow, the line and the verb."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import run_turn
from flows.errors import FlowFailed
from storage.records import Turn

Script = Callable[[Chat], Awaitable[Any]]


class Thing:
    """Nothing that the record can hold."""


async def thing() -> Thing:
    return Thing()


async def hang() -> None:
    await asyncio.Event().wait()


async def raises(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    raise ZeroDivisionError("secret")  # here


async def call_gives_no_json(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    await chat.call(thing)  # here


async def memo_gives_no_json(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    await chat.memo("thing", lambda: (1, 2))  # here


async def validator_gives_no_json(chat: Chat) -> None:
    await chat.ask("name", "Name?", lambda given: {given})  # here


async def entered_gives_no_json(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    await chat.enter("tuple")  # here


async def calls_what_hangs(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    await chat.call(hang, timeout=0.01)  # here


async def says_for_ever(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    while True:
        await chat.say("again")  # here


async def says_for_ever_whatever_is_raised(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    while True:
        try:
            await chat.say("again")  # here
        except Exception:
            continue


async def records_for_ever(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    while True:
        await chat.memo("number", lambda: 1)  # here


async def awaits_for_ever(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    while True:  # noqa: ASYNC110 – the mistake
        await asyncio.sleep(0)  # here


async def starts_a_task(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    await asyncio.ensure_future(chat.say("psst"))  # here


async def exits(chat: Chat) -> None:
    await chat.ask("name", "Name?")
    raise SystemExit(1)  # here


MISTAKES: list[tuple[Script, str, str]] = [
    (raises, "ZeroDivisionError", "name#0"),
    (call_gives_no_json, "Unrecordable", "thing#0"),
    (memo_gives_no_json, "Unrecordable", "thing#0"),
    (validator_gives_no_json, "Unrecordable", "name#0"),
    (entered_gives_no_json, "Unrecordable", "tuple#0"),
    (calls_what_hangs, "CallFailed", "hang#0"),
    (says_for_ever, "FlowMistake", "name#0"),
    (says_for_ever_whatever_is_raised, "FlowMistake", "name#0"),
    (records_for_ever, "RecordFull", "number#999"),
    (awaits_for_ever, "TimeoutError", "name#0"),
    (starts_a_task, "FlowMistake", "name#0"),
    (exits, "SystemExit", "name#0"),
]


class Careless(Conversation):
    """Its turns may take a tenth of a second."""

    async def say_within(self, text: str) -> list[str]:
        turn = Turn(self.session, 1, self.entry(text), replace(self.state), 0)
        try:
            outcome = await run_turn(self.bot, turn, self.services, limit_seconds=0.1)
        except FlowFailed as failed:
            self.failure, outcome = failed.cause, failed.outcome
        return [said.text for said in self.commit(outcome)]


def with_other_flows(script: Script) -> Bot:
    main, hours, tuples = Flow("main", phrases=["go"]), Flow("hours", phrases=["hours"]), Flow("tuple")
    main(script)

    @hours
    async def tell(chat: Chat) -> None:
        await chat.say("From nine to five.")

    @tuples
    async def give(chat: Chat) -> tuple[int, int]:
        return (1, 2)

    return Bot([main, hours, tuples])


def marked_line(script: Script) -> int:
    lines, start = inspect.getsourcelines(script)
    return start + next(number for number, line in enumerate(lines) if "# here" in line)


@pytest.mark.parametrize(
    ("script", "kind", "verb"), MISTAKES, ids=[script.__name__ for script, *_ in MISTAKES]
)
async def test_the_person_has_a_way_on_and_the_operator_the_place(
    script: Script, kind: str, verb: str
) -> None:
    talk = Careless(with_other_flows(script))
    assert await talk.say_within("go") == ["Name?"]
    assert await talk.say_within("Ada") == [talk.bot.texts.apology]
    assert talk.outcome is not None
    error = talk.outcome.error or ""
    assert re.fullmatch(
        rf"{kind} in flow 'main' at \S+test_misuse\.py:{marked_line(script)} \(.*{verb}\)", error
    )
    assert "secret" not in error
    # It stands at its question; the person can leave it, and everything else works.
    assert talk.state.state_name == "name#0"
    assert await talk.say_within("cancel") == [talk.bot.texts.cancelled]
    assert await talk.say_within("hours") == ["From nine to five."]


async def test_what_fails_at_once_leaves_nothing_under_way() -> None:
    async def script(chat: Chat) -> None:
        await chat.call(thing)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert talk.state.flow is None


async def test_a_name_asked_twice_in_one_path_is_two_answers() -> None:
    async def script(chat: Chat) -> None:
        first = await chat.ask("name", "First name?")
        if first == "Ada":
            await chat.say("Ada!")
        last = await chat.ask("name", "Last name?")
        await chat.say(f"{first} {last}")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("Ada") == ["Ada!", "Last name?"]
    assert [row[2] for row in talk.state.data["frames"][0]["rows"]] == ["name#0"]
    assert talk.state.state_name == "name#1"
    assert await talk.say("Lovelace") == ["Ada Lovelace"]


async def test_a_call_that_gave_no_json_has_the_same_key_when_it_is_made_again() -> None:
    from flows import idempotency_key

    keys: list[str] = []

    async def order() -> object:
        keys.append(idempotency_key())
        return Thing() if len(keys) == 1 else Decimal(1)

    async def script(chat: Chat) -> None:
        await chat.ask("name", "Name?")
        await chat.say(f"{await chat.call(order)}")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("Ada") == [talk.bot.texts.apology]
    assert await talk.say("Ada") == ["1"]
    assert keys == [keys[0]] * 2


@pytest.mark.parametrize("choices", ["ab", [1, 2], [None]])
@pytest.mark.parametrize("verb", ["ask name", "say"])
async def test_choices_that_are_no_list_of_texts_are_the_authors_mistake(verb: str, choices: Any) -> None:
    async def script(chat: Chat) -> None:
        if verb == "say":
            await chat.say("Well?", choices=choices)
        else:
            await chat.ask("name", "Well?", choices=choices)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert str(talk.failure) == (
        f'{verb}: choices= is a list of texts and Choice, such as ["Yes", "No"], not {choices!r}'
    )
