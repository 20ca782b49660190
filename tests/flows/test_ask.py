"""`ask`: types, choices, tries, secrets."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Choice, Rejected, Unanswered
from flows.bot import Bot


def asking(*arguments: Any, **settings: Any) -> Bot:
    async def script(chat: Chat) -> None:
        answer = await chat.ask("thing", *arguments, **settings)
        await chat.say(repr(answer))

    return bot_that(script)


@pytest.mark.parametrize(
    ("wanted", "typed", "answer"),
    [
        (None, "  hello  ", "'hello'"),
        (str, "hello", "'hello'"),
        (int, "1,200", "1200"),
        (bool, "Yes!", "True"),
        (float, "2.5", "2.5"),
        (date, "2001-12-31", repr(date(2001, 12, 31))),
        (Decimal, "€19.90", repr(Decimal("19.90"))),
        (lambda text: [text, text], "x", "['x', 'x']"),
    ],
)
async def test_an_answer_comes_as_the_type_that_was_asked_for(wanted: Any, typed: str, answer: str) -> None:
    talk = Conversation(asking("What?", wanted))
    await talk.say("go")
    assert await talk.say(typed) == [answer]


async def test_a_wrong_answer_brings_its_reason_and_the_question_again() -> None:
    talk = Conversation(asking("How many?", int))
    await talk.say("go")
    assert await talk.say("lots") == ["Please give a whole number, such as 42.\nHow many?"]
    assert await talk.say("3") == ["3"]


async def test_a_wrong_answer_brings_the_help_where_there_is_one() -> None:
    talk = Conversation(asking("How many?", int, help="Count them."))
    await talk.say("go")
    assert await talk.say("lots") == ["Please give a whole number, such as 42.\nCount them."]


async def test_after_the_last_try_the_flow_ends_politely() -> None:
    talk = Conversation(asking("How many?", int, retries=1))
    await talk.say("go")
    await talk.say("lots")
    assert await talk.say("many") == [talk.bot.texts.gave_up]
    assert talk.state.flow is None


async def test_tries_are_counted_over_turns_and_begin_anew_with_the_next_question() -> None:
    async def script(chat: Chat) -> None:
        for name in ("one", "two"):
            await chat.ask(name, f"{name}?", int, retries=1)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("x")
    await talk.say("1")
    assert (await talk.say("x"))[0].endswith("two?")
    assert await talk.say("x") == [talk.bot.texts.gave_up]


async def test_a_flow_may_catch_that_nobody_answered_and_replays_it() -> None:
    async def script(chat: Chat) -> None:
        try:
            await chat.ask("age", "Age?", int, retries=0)
        except Unanswered as unanswered:
            await chat.say(f"no {unanswered.name}")
        await chat.say("name: " + await chat.ask("name", "Name?"))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("old") == ["no age", "Name?"]
    assert await talk.say("Ada") == ["name: Ada"]


@pytest.mark.parametrize("typed", ["savings", "SAVINGS!", "2", "piggy bank"])
async def test_a_choice_is_understood_by_label_number_and_other_words(typed: str) -> None:
    choices = ["Current", Choice("Savings", value={"id": 7}, also=("piggy bank",))]
    talk = Conversation(asking("Which?", choices=choices))
    await talk.say("go")
    assert await talk.say(typed) == ["{'id': 7}"]


async def test_what_is_no_choice_is_asked_again_with_the_buttons() -> None:
    talk = Conversation(asking("Which?", choices=["A", "B"]))
    await talk.say("go")
    [again] = await talk.show("C")
    assert (again.text, again.labels) == ("Please choose one of these.", ("A", "B"))


async def test_with_a_type_choices_are_suggestions_that_the_type_reads() -> None:
    talk = Conversation(asking("How many?", int, choices=["1", "5"]))
    [question] = await talk.show("go")
    assert await talk.press(question.payloads[1]) == ["5"]
    await talk.say("go")
    assert await talk.say("12") == ["12"]


async def test_a_button_answers_its_ask() -> None:
    talk = Conversation(asking("Which?", choices=["A", "B"]))
    [question] = await talk.show("go")
    assert await talk.press(question.payloads[1]) == ["'B'"]


async def test_a_button_whose_choice_is_no_longer_offered_has_expired() -> None:
    choices = ["A", "B"]
    talk = Conversation(asking("Which?", choices=choices))
    [question] = await talk.show("go")
    choices[:] = ["C", "B"]
    assert await talk.press(question.payloads[0]) == ["That button has expired.\nWhich?"]
    assert await talk.press(question.payloads[1]) == ["'B'"]


async def test_a_validator_may_be_asynchronous_and_its_refusal_is_told() -> None:
    async def known(text: str) -> str:
        if text != "ada":
            raise Rejected("I do not know them.")
        return text.upper()

    talk = Conversation(asking("Who?", known))
    await talk.say("go")
    assert await talk.say("bob") == ["I do not know them.\nWho?"]
    assert await talk.say("ada") == ["'ADA'"]


async def test_a_validators_value_error_is_a_wrong_answer_and_says_nothing_of_the_error() -> None:
    def strict(text: str) -> str:
        raise ValueError("secret detail")

    talk = Conversation(asking("Who?", strict))
    await talk.say("go")
    assert await talk.say("bob") == ["I did not understand that.\nWho?"]


@pytest.mark.parametrize("typed", ["12345678", "wrong"])
async def test_what_a_sensitive_ask_took_is_redacted_also_when_it_is_wrong(typed: str) -> None:
    talk = Conversation(asking("Number?", int, sensitive=True))
    await talk.say("go")
    assert talk.outcome is not None
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive
    assert not talk.outcome.redact_input
    await talk.say(typed)
    assert talk.outcome.redact_input


async def test_an_ordinary_ask_is_neither_sealed_nor_redacted() -> None:
    talk = Conversation(asking("Number?", int))
    await talk.say("go")
    await talk.say("x")
    assert talk.outcome is not None
    assert talk.outcome.state is not None
    assert (talk.outcome.redact_input, talk.outcome.state.sensitive) == (False, False)


@pytest.mark.parametrize("wanted", [object(), list, 7])
async def test_a_type_that_nobody_can_type_is_the_authors_mistake(wanted: Any) -> None:
    talk = Conversation(asking("What?", wanted))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert "no type of answer" in str(talk.failure)


async def test_an_ephemeral_answer_is_not_in_the_state() -> None:
    async def script(chat: Chat) -> None:
        pin = await chat.ask("pin", "PIN?", ephemeral=True)
        await chat.ask("sure", "Sure?")
        await chat.say(pin)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("4711")
    assert "4711" not in str(talk.state.data)
    assert "4711" in str(talk.services.ephemeral)
    assert await talk.say("yes") == ["4711"]


async def test_the_question_after_an_unanswered_one_has_all_its_tries() -> None:
    async def script(chat: Chat) -> None:
        with suppress(Unanswered):
            await chat.ask("one", "One?", int, retries=1)
        await chat.ask("two", "Two?", int, retries=1)

    talk = Conversation(bot_that(script))
    for text in ("go", "x", "x"):
        await talk.say(text)
    assert (await talk.say("x"))[0].endswith("Two?")


async def test_going_back_gives_all_tries_again() -> None:
    async def script(chat: Chat) -> None:
        for name in ("one", "two"):
            await chat.ask(name, f"{name}?", int, retries=1)

    talk = Conversation(bot_that(script))
    for text in ("go", "1", "x", "back"):
        await talk.say(text)
    assert (await talk.say("x"))[0].endswith("one?")
