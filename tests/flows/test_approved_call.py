"""`call(…, approval=…)`: one call, of exactly what was approved, whatever dies on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from approved import Bank, asked, statuses
from flow_services import Conversation, bot_that
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import Approval, Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake
from storage.approval_records import ApprovalStatus

USED = ApprovalStatus.USED
TEN_MINUTES = timedelta(minutes=10)
Wrong = Callable[[Chat, Bank, Approval], Any]


def other_arguments(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Eve", 40, approval=yes)


def more_arguments(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40, 1, approval=yes)


def another_kind_of_number(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40.0, approval=yes)


def another_function(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send_at_once, "Ada", 40, approval=yes)


def under_its_name(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send_at_once, "Ada", 40, name="send", approval=yes)


def nothing(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40, approval=None)


def a_word(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40, approval=True)


def made_up(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40, approval=dataclasses.replace(yes, id=UUID(int=9)))


def of_another_place(chat: Chat, bank: Bank, yes: Approval) -> Any:
    return chat.call(bank.send, "Ada", 40, approval=dataclasses.replace(yes, place="payee#0"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            other_arguments,
            r"approved is approved.Bank.send \(\w{8}\), .* approved.Bank.send .*other arguments",
        ),
        (more_arguments, "with other arguments"),
        (another_kind_of_number, "with other arguments"),
        (another_function, r"what is called is approved.Bank.send_at_once .*another function"),
        (under_its_name, "another function"),
        (nothing, "give what chat.approve returned"),
        (a_word, "give what chat.approve returned"),
        (made_up, "another conversation's"),
        (of_another_place, "another conversation's"),
    ],
)
async def test_anything_but_what_was_approved_is_not_called(wrong: Wrong, told: str) -> None:
    bank = Bank()

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        await wrong(chat, bank, yes)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("yes")
    assert isinstance(talk.failure, FlowMistake)
    with pytest.raises(FlowMistake, match=told):
        raise talk.failure
    assert (bank.sent, statuses(talk)) == ([], [ApprovalStatus.APPROVED])


@pytest.mark.parametrize("answer", ["no", "time"])
async def test_what_was_not_approved_is_not_called(answer: str) -> None:
    bank = Bank()

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        await chat.call(bank.send, "Ada", 40, approval=yes)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    if answer == "time":
        talk.pass_time(next(iter(talk.timers.values())).due_at - talk.services.time)
        await talk.ring()
    else:
        await talk.say(answer)
    assert "was not approved" in str(talk.failure)
    assert bank.sent == []


@pytest.mark.parametrize("together", [True, False])
async def test_one_yes_is_good_for_one_call(together: bool) -> None:
    bank = Bank()

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        calls = [chat.call(bank.send, "Ada", 40, approval=yes) for _ in range(2)]
        if together:
            await chat.gather(*calls)
        else:
            for each in calls:
                await each

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("yes")
    assert "the approval was used by" in str(talk.failure)
    assert len(bank.sent) <= 1


async def test_what_another_process_used_or_voided_is_not_called() -> None:
    bank = Bank()
    bank.question_after = "From which account?"
    talk, _ = await asked(bank)
    await talk.say("yes")
    [(asked_for, held)] = talk.services.approvals.items()
    talk.services.approvals[asked_for] = dataclasses.replace(
        held, decision=dataclasses.replace(held.decision, status=USED), used_by="another"
    )
    await talk.say("current")
    assert "is void, or was used by another call" in str(talk.failure)
    assert bank.sent == []


async def test_what_was_done_is_not_asked_for_again_when_the_person_goes_back() -> None:
    bank = Bank()

    async def script(chat: Chat) -> None:
        await chat.ask("payee", "To whom?")
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        reference = await chat.call(bank.send, "Ada", 40, approval=yes)
        await chat.ask("more", f"{reference}. More?")

    talk = Conversation(bot_that(script))
    for text in ("go", "Ada", "yes"):
        await talk.say(text)
    assert await talk.say("back") == ["To whom?"]
    assert await talk.say("Ada") == ["R1. More?"]
    assert len(bank.sent) == 1


async def test_what_failed_is_asked_for_again_when_the_person_goes_back() -> None:
    bank = Bank()
    bank.fails = 1

    async def script(chat: Chat) -> None:
        await chat.ask("payee", "To whom?")
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        try:
            await chat.call(bank.send, "Ada", 40, approval=yes)
        except Exception as failure:
            await chat.say(type(failure).__name__)
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    for text in ("go", "Ada"):
        await talk.say(text)
    assert await talk.say("yes") == ["CallFailed", "More?"]
    await talk.say("back")
    assert await talk.say("Ada") == ["Send"]
    assert await talk.say("yes") == ["More?"]
    assert len(bank.sent) == 2


async def test_a_turn_that_fails_after_the_call_has_it_made_once_and_the_yes_stands() -> None:
    bank = Bank()
    broken = [True]

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        reference = await chat.call(bank.send, "Ada", 40, approval=yes)
        if broken:
            raise ValueError("a mistake")
        await chat.say(f"Sent: {reference}")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("yes") == [talk.bot.texts.apology]
    assert statuses(talk) == [USED]
    broken.clear()
    assert await talk.say("no") == ["That has been decided already.", "Sent: R1"]
    assert len(bank.sent) == 1


@settings(max_examples=60, deadline=None)
@given(kills=st.sets(st.integers(1, 6), max_size=5), before_write=st.booleans(), by_button=st.booleans())
async def test_a_turn_that_dies_anywhere_makes_the_call_once_for_one_yes(
    kills: set[int], before_write: bool, by_button: bool
) -> None:
    bank = Bank()
    talk, said = await asked(bank)
    talk.services.kill_before_write = before_write
    talk.services.kill_at = kills
    heard = await (talk.press(said.payloads[0]) if by_button else talk.say("yes"))
    # A call whose result was lost is made again, with the same key.
    assert heard == [f"Sent: R{len(bank.sent)}"]
    assert set(bank.sent) == {("Ada", 40)}
    assert len(bank.keys) == 1
    assert before_write or len(bank.sent) == 1
    assert statuses(talk) == [USED]
    assert talk.timers == {}


@pytest.mark.parametrize("then", ["no", "help", "time", "yes"])
@pytest.mark.parametrize("way", ["stopped", "failed"])
async def test_a_yes_that_nothing_came_of_is_no_yes_until_it_is_said_again(then: str, way: str) -> None:
    """After Stop, or a turn that failed before the call, nothing is done that the person does not want any more."""
    bank, broken = Bank(), [way == "failed"]

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        if broken[0]:
            raise ValueError("a mistake")
        if not yes:
            await chat.end(f"{yes.status}")
        await chat.say(await chat.call(bank.send, "Ada", 40, approval=yes))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    if way == "stopped":
        talk.services.stopped.set()
    await talk.say("yes")
    broken[0] = False
    talk.services.stopped.clear()
    assert (bank.sent, statuses(talk)) == ([], [ApprovalStatus.APPROVED])
    if then == "time":
        talk.pass_time(TEN_MINUTES)
        assert await talk.ring() == ["expired"]
    else:
        said = {"no": "rejected", "yes": "R1", "help": 'Please say "approve" or "reject".\nSend'}
        assert await talk.say(then) == [said[then]]
    assert len(bank.sent) == (1 if then == "yes" else 0)


@pytest.mark.parametrize("then", ["no", "another flow", "time", "yes"])
async def test_a_call_that_failed_its_turn_is_not_made_again_without_another_yes(then: str) -> None:
    bank, hours = Bank(), Flow("hours", phrases=["hours"])
    bank.fails = 1
    main = Flow("main", phrases=["go"])

    @hours
    async def tell(chat: Chat) -> None:
        await chat.say("9 to 18")

    @main
    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        if not yes:
            await chat.end(f"{yes.status}")
        await chat.say(await chat.call(bank.send, "Ada", 40, approval=yes))

    talk = Conversation(Bot([main, hours]))
    await talk.say("go")
    assert await talk.say("yes") == [talk.bot.texts.apology]
    assert (len(bank.sent), statuses(talk)) == (1, [USED])
    match then:
        case "no":
            assert await talk.say("no") == ["rejected"]
        case "another flow":
            assert await talk.say("hours") == ["9 to 18", "Send"]
        case "time":
            talk.pass_time(TEN_MINUTES)
            assert await talk.ring() == ["expired"]
        case _:
            assert await talk.say("yes") == ["R2"]
    assert len(bank.sent) == (2 if then == "yes" else 1)
    assert len(bank.keys) == 1


async def test_whoever_said_no_in_a_turn_that_failed_may_say_yes() -> None:
    bank, broken = Bank(), [True]

    async def script(chat: Chat) -> None:
        yes = await chat.approve("Send", bank.send, "Ada", 40)
        if broken:
            raise ValueError("a mistake")
        await chat.say(str(yes.status))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("no")
    broken.clear()
    assert await talk.say("yes") == ["approved"]
