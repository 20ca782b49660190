"""The demo tenant's flows, as a newcomer would talk to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flow_services import Conversation

import config
from flows.bot import Bot
from flows.load import load_bot

FLOWS = Path(config.__file__).parent / "tenants" / "demo" / "flows"


@dataclass(frozen=True)
class Settings:
    name: str = "demo"
    default_flow: str | None = None
    hands_over: bool = True


@pytest.fixture(scope="module")
def demo() -> Bot:
    return load_bot(FLOWS, Settings())


async def test_the_balance_is_told_after_the_code_was_entered(demo: Bot) -> None:
    talk = Conversation(demo)
    assert await talk.say("Hi, what's my balance please?") == ["Which account?"]
    await talk.say("1")
    assert await talk.say("100001") == ["Your current account holds €1,240.50."]


async def test_somebody_without_an_address_is_told_no_balance(demo: Bot) -> None:
    talk = Conversation(demo)
    talk.services.refusal = "no_address"
    await talk.say("balance")
    [reply] = await talk.say("Savings")
    assert reply.startswith("Without the code")
    assert talk.state.flow is None


async def test_an_account_is_opened_after_seven_answers_and_a_yes(demo: Bot) -> None:
    talk = Conversation(demo)
    await talk.say("open an account")
    assert await talk.say("Ada Lovelace") == ["When were you born, Ada?"]
    assert (await talk.say("2020-01-01"))[0].startswith("You must be 18 or older")
    await talk.say("10.12.1985")
    await talk.say("ada@example.com")
    assert (await talk.say("no"))[0].startswith("It has 6 to 12 letters")
    await talk.say("X1234567")
    assert talk.outcome is not None
    assert talk.outcome.redact_input
    await talk.say("4,200")
    summary, question = await talk.show("no")
    assert summary.document["card"]["fields"] == [
        ["Name", "Ada Lovelace"],
        ["Born", "10 December 1985"],
        ["Email", "ada@example.com"],
        ["Income", "€4,200"],
    ]
    assert question.labels == ("Yes", "No")
    [welcome] = await talk.say("yes")
    assert welcome.startswith("Welcome, Ada Lovelace! Your application has the number A-")
    assert talk.state.data == {}


async def test_the_form_survives_three_days_and_a_look_at_the_balance(demo: Bot) -> None:
    talk = Conversation(demo)
    await talk.say("open an account")
    await talk.say("Ada Lovelace")
    replies = await talk.say("what is my balance?")
    assert replies == ["Which account?"]
    await talk.say("Savings")
    assert await talk.say("100001") == ["Your savings account holds €18,300.00.", "When were you born, Ada?"]


async def test_saying_no_to_the_summary_sends_nothing(demo: Bot) -> None:
    talk = Conversation(demo)
    for text in ("sign up", "Ada", "1985-12-10", "ada@example.com", "X1234567", "1", "yes"):
        await talk.say(text)
    assert await talk.say("no") == ['Nothing was sent. Say "open an account" to begin again.']
    assert talk.state.flow is None


async def test_money_is_sent_once_after_a_look_and_a_code(demo: Bot) -> None:
    talk = Conversation(demo)
    assert await talk.say("I would like to transfer some money") == ["From which account?"]
    await talk.say("Current")
    await talk.say("Grace Hopper")
    assert (await talk.say("5000"))[0].startswith("That is more than the €2,000 that you may send")
    shown, question = await talk.show("12.50")
    assert shown.document["card"]["fields"] == [
        ["From", "Current"],
        ["To", "Grace Hopper"],
        ["Amount", "€12.50"],
    ]
    assert question.labels == ("Yes", "No")
    await talk.say("yes")
    [sent] = await talk.say("100001")
    assert sent.startswith("€12.50 are on their way to Grace Hopper. Your reference is T-")
    assert talk.state.flow is None


async def test_money_is_not_sent_without_a_yes(demo: Bot) -> None:
    talk = Conversation(demo)
    for word in ("transfer", "Savings", "Grace Hopper", "10"):
        await talk.say(word)
    assert await talk.say("no") == ["I have sent nothing."]
    assert talk.services.checkpoints == []


async def test_a_loan_of_seven_steps_is_taken_up_days_later(demo: Bot) -> None:
    talk = Conversation(demo)
    assert (await talk.say("I want a loan"))[-1] == "Step 1/7: What is the loan for?"
    await talk.say("a car")
    await talk.say("12000")
    assert await talk.say("48") == ["Step 4/7: What do you do?"]
    talk.pass_time(timedelta(days=3))
    assert await talk.say("employed") == ["Step 5/7: What do you earn in a month, after taxes?"]
    await talk.say("3200")
    assert await talk.say("back") == ["Step 5/7: What do you earn in a month, after taxes?"]
    await talk.say("3400")
    await talk.say("100")
    offer, _ = await talk.show("Ada Lovelace")
    assert offer.document["card"]["fields"][3] == ["Each month", "€299.00"]
    await talk.say("yes")
    [done] = await talk.say("100001")
    assert done.startswith("Done, Ada Lovelace. Your application L-")


async def test_a_loan_that_is_too_large_is_not_offered(demo: Bot) -> None:
    talk = Conversation(demo)
    for word in ("loan", "studies", "50000", "12", "studying", "900", "0"):
        await talk.say(word)
    [refused] = await talk.say("Ada Lovelace")
    assert "more than half of what you have left" in refused
    assert talk.state.flow is None
