"""What counts as an answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flow_services import Conversation, bot_that
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import Chat, Rejected, validators
from flows.errors import FlowMistake


@pytest.mark.parametrize(
    ("validator", "typed", "value"),
    [
        (validators.integer(), "1,200,300", 1200300),
        (validators.integer(), "1 200", 1200),
        (validators.integer(), "-5", -5),
        (validators.number(), "$ 1,200.50", Decimal("1200.50")),
        (validators.number(), "19.90€", Decimal("19.90")),
        (validators.yes_no(), "Yes, please!", True),
        (validators.yes_no(), "nope", False),
        (validators.day(), "1.2.2001", date(2001, 2, 1)),
        (validators.day(), "2001-02-01", date(2001, 2, 1)),
        (validators.email(), "ada@example.co.uk", "ada@example.co.uk"),
        (validators.phone(), "0044 (1632) 960-961", "+441632960961"),
        (validators.pattern(r"\d{4}", "four digits"), "1234", "1234"),
        (validators.text(longest=3), "abc", "abc"),
    ],
)
def test_an_answer_is_read(validator: validators.Validator[Any], typed: str, value: Any) -> None:
    assert validator(typed) == value


@pytest.mark.parametrize(
    ("validator", "typed"),
    [
        (validators.integer(), "1,20"),
        (validators.integer(), "1.5"),
        (validators.integer(), "٣"),
        (validators.integer(), "9" * 40),
        (validators.integer(smallest=1), "0"),
        (validators.integer(largest=1), "2"),
        (validators.number(), "1e5"),
        (validators.number(), "NaN"),
        (validators.number(smallest=0), "-1"),
        (validators.yes_no(), "perhaps"),
        (validators.day(), "1/2/2001"),
        (validators.day(), "31.2.2001"),
        (validators.day(latest=date(2000, 1, 1)), "2000-01-02"),
        (validators.day(earliest=date(2000, 1, 1)), "1999-12-31"),
        (validators.email(), "ada@"),
        (validators.email(), "ada@example..com"),
        (validators.email(), "a b@example.com"),
        (validators.phone(), "960961"),
        (validators.pattern(r"\d{4}", "four digits"), "12345"),
        (validators.text(shortest=2), "a"),
        (validators.text(longest=3), "abcd"),
        (validators.text(), ""),
    ],
)
def test_what_is_no_answer_is_rejected_with_a_text(validator: validators.Validator[Any], typed: str) -> None:
    with pytest.raises(Rejected) as rejected:
        validator(typed)
    assert rejected.value.text


@settings(deadline=None)
@given(st.text())
def test_no_text_makes_a_validator_fail_otherwise(text: str) -> None:
    for validator in (
        validators.integer(), validators.number(), validators.yes_no(), validators.day(),
        validators.email(), validators.phone(), validators.text(), validators.of(float),
    ):  # fmt: skip
        try:
            validator(text)
        except Rejected:
            continue


TOPPINGS = ["Ham", "Olives", "Salt and pepper", "Onion"]


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("olives", ["Olives"]),
        ("Onion, ham", ["Ham", "Onion"]),
        ("1 and 3", ["Ham", "Salt and pepper"]),
        ("4 2", ["Olives", "Onion"]),
        ("salt and pepper, ham", ["Ham", "Salt and pepper"]),
        ("ham, olives and onion", ["Ham", "Olives", "Onion"]),
        ("ham & olives", ["Ham", "Olives"]),
        ("ham, ham", ["Ham"]),
        ("all", TOPPINGS),
        ("None.", []),
    ],
)
def test_several_are_chosen(typed: str, value: list[str]) -> None:
    assert validators.several_of(TOPPINGS, least=0)(typed) == value


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("cheese", "Please name some"),
        ("ham, cheese", "Please name some"),
        ("none", "1 to 2"),
        ("all", "1 to 2"),
        ("9", "name"),
    ],
)
def test_what_is_none_or_too_many_of_several_is_refused(typed: str, hint: str) -> None:
    with pytest.raises(Rejected, match=hint):
        validators.several_of(TOPPINGS, most=2)(typed)


@given(st.text(max_size=60))
def test_any_text_is_some_of_several_or_refused(typed: str) -> None:
    try:
        chosen = validators.several_of(TOPPINGS, least=0)(typed)
    except Rejected:
        return
    assert [option for option in TOPPINGS if option in chosen] == chosen


@pytest.mark.parametrize(
    ("options", "limits"),
    [
        (["a", "b"], {"least": 3}),
        (["a", "b"], {"least": 2, "most": 1}),
        (["a", "b"], {"least": -1}),
        ([], {}),
        ("ab", {}),
    ],
)
def test_several_that_nobody_could_choose_are_a_mistake(options: Any, limits: dict[str, int]) -> None:
    with pytest.raises(FlowMistake, match="several_of: "):
        validators.several_of(options, **limits)


async def test_the_options_of_several_are_listed_below_the_question() -> None:
    async def script(chat: Chat) -> None:
        chosen = await chat.ask(
            "toppings", "What on it?", validators.several_of(TOPPINGS), help="All are fresh."
        )
        await chat.say(", ".join(chosen))

    listed = "\n1. Ham\n2. Olives\n3. Salt and pepper\n4. Onion"
    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [f"What on it?{listed}"]
    assert await talk.say("cheese") == [
        f"Please name some of these, parted by commas.\nAll are fresh.{listed}"
    ]
    assert await talk.say("help") == [f"All are fresh.\nWhat on it?{listed}"]
    assert await talk.say("4, 1") == ["Ham, Onion"]


async def test_options_that_are_buttons_are_not_listed_again() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("toppings", "What on it?", validators.several_of(TOPPINGS), choices=TOPPINGS)

    [question] = await Conversation(bot_that(script)).show("go")
    assert (question.text, list(question.labels)) == ("What on it?", TOPPINGS)
