"""Conversation repair: an earlier answer corrected, a question asked back, two wrong answers in a row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Choice, Flow
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.questions import answering_flow, asked_back_flow
from flows.repair import Correction, correction
from flows.texts import Phrasings
from flows.validators import integer, pattern
from storage.knowledge import Passage

PASSAGE = Passage(
    UUID(int=1),
    UUID(int=2),
    "kb",
    "fees.md",
    "Fees",
    "Fees › Cards",
    "A card costs five euros.",
    None,
    1.0,
    0.7,
    1.0,
)


class Bank:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def reserve(self, account: str) -> str:
        self.calls.append(account)
        return f"R-{len(self.calls)}"


def transfer(bank: Bank, **settings: Any) -> Bot:
    async def script(chat: Chat) -> None:
        account = await chat.ask("account", "Which account?", choices=["Current", Choice("Savings", "S-1")])
        number = await chat.call(bank.reserve, account, **settings)
        amount = await chat.ask("amount", "How much?", integer(smallest=1))
        to = await chat.ask("payee", "To whom?")
        sure = await chat.ask("sure", "Sure?", bool)
        await chat.say(f"{account} {number} {amount} {to} {sure}")

    return bot_that(script)


async def told(bot: Bot, *texts: str) -> Conversation:
    talk = Conversation(bot)
    for text in texts:
        await talk.say(text)
    return talk


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("No, I meant savings.", Correction("savings", "", True)),
        ("sorry, I meant Savings!", Correction("Savings", "", True)),
        ("i mean 5", Correction("5", "", True)),
        ("change the account to savings", Correction("savings", "account", True)),
        ("Please change my amount to 20", Correction("20", "amount", True)),
        ("not 5 but 50", Correction("50", "5", True)),
        ("actually savings", Correction("savings", "", False)),
        ("Actually, make it 20.", Correction("20", "", False)),
        ("no, savings", Correction("savings", "", False)),
        ("savings", None),
        ("no", None),
        ("actually", None),
        ("what I meant", None),
    ],
)
def test_what_counts_as_a_correction(text: str, found: Correction | None) -> None:
    assert correction(Bot([]), text) == found


@pytest.mark.parametrize(
    "text",
    ["no, I meant savings", "actually savings", "change the account to savings", "not current but savings"],
)
async def test_an_earlier_answer_is_corrected_in_words(text: str) -> None:
    bank = Bank()
    talk = await told(transfer(bank), "go", "current")
    assert await talk.say(text) == [talk.bot.texts.corrected, "How much?"]
    assert bank.calls == ["Current", "S-1"]
    for said in ("30", "Ada"):
        await talk.say(said)
    assert await talk.say("yes") == ["S-1 R-2 30 Ada True"]


async def test_the_answers_after_it_are_asked_for_again() -> None:
    talk = await told(transfer(Bank()), "go", "current", "20", "Ada")
    assert await talk.say("no, I meant savings") == [talk.bot.texts.corrected, "How much?"]
    assert await talk.say("5") == ["To whom?"]


async def test_a_call_that_the_correction_does_not_change_is_not_made_again() -> None:
    bank = Bank()
    talk = await told(transfer(bank), "go", "current", "20", "Ada")
    assert await talk.say("change the amount to 25") == [talk.bot.texts.corrected, "To whom?"]
    assert bank.calls == ["Current"]


async def test_past_a_final_call_nothing_is_corrected() -> None:
    bank = Bank()
    talk = await told(transfer(bank, final=True), "go", "current", "20")
    assert await talk.say("no, I meant savings") == [talk.bot.texts.that_is_done, "To whom?"]
    assert bank.calls == ["Current"]
    assert await talk.say("no, I meant 30") == [talk.bot.texts.corrected, "To whom?"]


async def test_a_question_for_free_text_takes_what_is_no_plain_correction() -> None:
    talk = await told(transfer(Bank()), "go", "current", "20")
    assert await talk.say("actually savings") == ["Sure?"]
    assert await talk.say("yes") == ["Current R-1 20 actually savings True"]


async def test_a_validator_of_ones_own_does_not_swallow_a_plain_correction() -> None:
    async def script(chat: Chat) -> None:
        account = await chat.ask("account", "Which account?", choices=["Current", "Savings"])
        code = await chat.ask("code", "Code?", lambda given: given.upper())
        await chat.say(f"{account} {code}")

    talk = await told(bot_that(script), "go", "current")
    assert await talk.say("no, I meant savings") == ["All right, I have changed that.", "Code?"]
    assert await talk.say("actually savings") == ["Savings ACTUALLY SAVINGS"]


async def test_the_answer_just_given_is_corrected_though_it_took_any_text() -> None:
    talk = await told(transfer(Bank()), "go", "current", "20", "Ada")
    assert await talk.say("sorry, I meant Bob") == [talk.bot.texts.corrected, "Sure?"]
    assert await talk.say("yes") == ["Current R-1 20 Bob True"]


async def test_an_answer_is_found_by_what_it_was() -> None:
    talk = await told(transfer(Bank()), "go", "current", "20", "Ada")
    assert await talk.say("change Ada to Bob") == [talk.bot.texts.corrected, "Sure?"]


async def test_what_answers_the_question_that_waits_is_no_correction() -> None:
    async def script(chat: Chat) -> None:
        one = await chat.ask("one", "One?", choices=["A", "B"])
        two = await chat.ask("two", "Two?", choices=["Actually, B", "C"])
        await chat.say(f"{one} {two}")

    talk = await told(bot_that(script), "go", "A")
    assert await talk.say("actually, B") == ["A Actually, B"]


@pytest.mark.parametrize(
    "text", ["no, I meant the moon", "change the moon to savings", "no, I meant current"]
)
async def test_a_correction_that_fits_nothing_is_a_wrong_answer(text: str) -> None:
    talk = await told(transfer(Bank()), "go", "current")
    [reply] = await talk.say(text)
    assert reply.startswith("Please give a whole number")
    assert await talk.say("3") == ["To whom?"]


async def test_a_corrected_sensitive_answer_is_kept_out_of_the_transcript() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("pin", "PIN?", pattern("[0-9]{4}", "Four digits."), sensitive=True)
        await chat.ask("count", "Count?", choices=["few", "many"])

    talk = await told(bot_that(script), "go", "1234")
    assert await talk.say("no, I meant 4321") == [talk.bot.texts.corrected, "Count?"]
    assert talk.outcome is not None
    assert talk.outcome.redact_input


async def test_a_correction_at_the_code_gives_up_the_code() -> None:
    async def script(chat: Chat) -> None:
        account = await chat.ask("account", "Which?", choices=["Current", "Savings"])
        await chat.verify_otp()
        await chat.say(account)

    talk = await told(bot_that(script), "go", "current")
    sent = await talk.say("no, I meant savings")
    assert sent[0] == talk.bot.texts.corrected
    assert sent[1].startswith("I have sent a code")
    assert await talk.say("100002") == ["Savings"]


@pytest.mark.parametrize("checkpoint", [1, 2])
async def test_a_turn_that_is_lost_in_a_correction_comes_to_the_same(checkpoint: int) -> None:
    bank = Bank()
    talk = await told(transfer(bank), "go", "current")
    talk.services.kill_at = {checkpoint}
    replies = await talk.say("no, I meant savings")
    assert replies == [talk.bot.texts.corrected, "How much?"]
    assert bank.calls[-1] == "S-1"
    await talk.say("1")
    await talk.say("Ada")
    assert (await talk.say("yes"))[0].startswith("S-1")


async def test_other_phrasings_may_be_given() -> None:
    bot = transfer(Bank())
    german = Bot(bot.registry.all(), phrasings=Phrasings(correct=(r"ich meinte (?P<new>.+)",)))
    talk = await told(german, "go", "current")
    assert await talk.say("Ich meinte Savings") == [talk.bot.texts.corrected, "How much?"]
    with pytest.raises(FlowMistake, match="phrasing"):
        Bot([], phrasings=Phrasings(question=("(",)))


def form(*own: Flow) -> Bot:
    flow = Flow("form", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        count = await chat.ask("count", "How many?", int)
        pin = await chat.ask("pin", "PIN?", int, sensitive=True)
        name = await chat.ask("name", "Name?")
        await chat.say(f"{count} {pin} {name}")

    built_in = [] if any(each.name == "repair_question" for each in own) else [asked_back_flow()]
    return Bot([flow, answering_flow(), *built_in, *own])


@pytest.mark.parametrize("question", ["What does a card cost?", "what does a card cost", "card cost?"])
async def test_a_question_in_the_middle_is_answered_and_the_form_goes_on(question: str) -> None:
    talk = await told(form(), "go")
    talk.services.passages = [PASSAGE]
    answer, again = await talk.say(question)
    assert "A card costs five euros." in answer
    assert again == "How many?"
    assert talk.state.data["frames"][0].get("tries", 0) == 0
    assert await talk.say("2") == ["PIN?"]


async def test_a_question_that_nobody_can_answer_is_a_wrong_answer() -> None:
    talk = await told(form(), "go")
    [reply] = await talk.say("why?")
    assert reply.startswith("Please give a whole number")
    talk.services.passages, talk.services.database_down = [PASSAGE], True
    [reply] = await talk.say("What does a card cost?")
    assert reply.startswith("Please give a whole number")


async def test_a_secret_with_a_question_mark_is_no_question() -> None:
    talk = await told(form(), "go", "2")
    talk.services.passages = [PASSAGE]
    [reply] = await talk.say("card 1234?")
    assert reply.startswith("Please give a whole number")
    assert talk.outcome is not None
    assert talk.outcome.redact_input


async def test_a_question_for_free_text_takes_a_question_as_its_answer() -> None:
    talk = await told(form(), "go", "2", "1")
    talk.services.passages = [PASSAGE]
    assert await talk.say("what does a card cost?") == ["2 1 what does a card cost?"]


def saying(name: str, text: str) -> Flow:
    flow = Flow(name)

    @flow
    async def script(chat: Chat) -> None:
        await chat.say(text)

    return flow


async def test_the_help_and_a_way_out_come_with_the_second_wrong_answer() -> None:
    talk = await told(form(), "go")
    way_out = talk.bot.texts.way_out
    assert way_out not in (await talk.say("few"))[0]
    assert (await talk.say("many"))[0].endswith(f"How many?\n{way_out}")
    assert await talk.say("cancel") == [talk.bot.texts.cancelled]


async def test_a_right_answer_between_two_wrong_ones_starts_the_count_again() -> None:
    talk = await told(form(), "go", "few", "2")
    assert talk.bot.texts.way_out not in (await talk.say("x"))[0]


OWN: list[tuple[str, list[str], str, list[str]]] = [
    ("question", ["go"], "why?", ["mine", "How many?"]),
    ("misunderstood", ["go", "few"], "many", ["mine", "How many?"]),
    ("help", ["go"], "help", ["mine", "How many?"]),
    ("help", [], "help", ["mine"]),
    ("cancel", ["go"], "cancel", ["mine"]),
    ("start_over", ["go", "2"], "start over", ["mine", "How many?"]),
    ("back", ["go", "2"], "back", ["mine", "How many?"]),
]


@pytest.mark.parametrize(("name", "before", "text", "replies"), OWN)
async def test_a_flow_of_the_bot_takes_the_place_of_a_repair(
    name: str, before: list[str], text: str, replies: list[str]
) -> None:
    talk = await told(form(saying(f"repair_{name}", "mine")), *before)
    assert await talk.say(text) == replies


async def test_repairs_are_not_in_the_menu() -> None:
    talk = Conversation(form(saying("repair_cancel", "mine")))
    [menu] = await talk.show("hello")
    assert menu.labels == ("Form",)


async def test_wrong_answers_still_run_out_with_a_repair_of_the_bots_own() -> None:
    talk = await told(form(saying("repair_misunderstood", "mine")), "go", "a", "b", "c")
    assert await talk.say("d") == [talk.bot.texts.gave_up]
