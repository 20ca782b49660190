"""`approve`: a person's yes to exactly what is done; who may say it, for how long, and what becomes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from approved import Bank, asked, statuses
from flow_services import Conversation, bot_that

from flows import Card, Chat, Flow, anyone, asker, not_the_asker, operators
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.rehearsal.conversation import Said
from storage.approval_records import ApprovalStatus, Approvers
from storage.records import EntryKind

MINUTE = timedelta(minutes=1)
APPROVED, REJECTED, EXPIRED = ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED
PENDING, USED = ApprovalStatus.PENDING, ApprovalStatus.USED
WAITING = 'I am waiting for somebody to approve that. You can also say "cancel".'


@pytest.fixture
def bank() -> Bank:
    return Bank()


def hours() -> Flow:
    flow = Flow("hours", phrases=["opening hours"])

    @flow
    async def tell(chat: Chat) -> None:
        await chat.say("From 9 to 18.")

    return flow


async def test_what_is_done_is_shown_with_a_button_for_yes_and_one_for_no(bank: Bank) -> None:
    _, said = await asked(bank)
    assert (said.text, said.labels) == ("Send €40.00 to Ada", ("Approve", "Reject"))
    assert said.document["approval"]["expires_at"] == "2026-03-01T12:10:00+00:00"
    assert bank.sent == []


async def test_the_approve_button_has_it_done_once(bank: Bank) -> None:
    talk, said = await asked(bank)
    assert await talk.press(said.payloads[0]) == ["Sent: R1"]
    assert bank.sent == [("Ada", 40)]
    [approval] = bank.heard
    assert (approval.status, approval.decided_by) == (APPROVED, f"user:{talk.session.user_id}")
    assert statuses(talk) == [USED]
    assert talk.timers == {}


async def test_the_reject_button_has_nothing_done(bank: Bank) -> None:
    talk, said = await asked(bank)
    assert await talk.press(said.payloads[1]) == ["Nothing is sent (rejected, None)."]
    assert (bank.sent, statuses(talk)) == ([], [REJECTED])


@pytest.mark.parametrize("word", ["yes", "Approve", " approve! ", "APPROVED", "Y", "1"])
async def test_words_that_mean_yes_are_a_yes(bank: Bank, word: str) -> None:
    talk, _ = await asked(bank)
    assert await talk.say(word) == ["Sent: R1"]


@pytest.mark.parametrize("word", ["no", "Reject.", "rejected", "n", "2"])
async def test_words_that_mean_no_are_a_no(bank: Bank, word: str) -> None:
    talk, _ = await asked(bank)
    assert await talk.say(word) == ["Nothing is sent (rejected, None)."]


@pytest.mark.parametrize("text", ["no, because it is too much", "Reject because it is too much"])
async def test_a_no_may_say_why(bank: Bank, text: str) -> None:
    talk, _ = await asked(bank)
    assert await talk.say(text) == ["Nothing is sent (rejected, it is too much)."]


@pytest.mark.parametrize("text", ["yes please", "approve it", "do not approve", "why", "yes no", ""])
async def test_anything_else_is_neither_and_it_is_asked_again(bank: Bank, text: str) -> None:
    talk, _ = await asked(bank)
    assert await talk.say(text) == [
        'I did not understand that. Please say "approve" or "reject".\nSend €40.00 to Ada'
    ]
    assert (bank.sent, statuses(talk)) == ([], [PENDING])
    assert await talk.say("yes") == ["Sent: R1"]


async def test_help_says_what_can_be_said(bank: Bank) -> None:
    talk, _ = await asked(bank)
    assert await talk.say("help") == ['Please say "approve" or "reject".\nSend €40.00 to Ada']


async def test_another_flow_comes_in_between_and_it_is_asked_again(bank: Bank) -> None:
    talk, said = await asked(bank, hours())
    assert await talk.say("opening hours") == ["From 9 to 18.", "Send €40.00 to Ada"]
    assert statuses(talk) == [PENDING]
    assert await talk.press(said.payloads[0]) == ["Sent: R1"]


async def test_a_button_that_is_pressed_twice_counts_once(bank: Bank) -> None:
    talk, said = await asked(bank)
    await talk.press(said.payloads[0])
    assert await talk.press(said.payloads[0]) == ["That button has expired."]
    assert await talk.press(said.payloads[1]) == ["That button has expired."]
    assert bank.sent == [("Ada", 40)]


async def test_when_the_time_is_up_the_flow_goes_on_without_a_yes(bank: Bank) -> None:
    talk, said = await asked(bank)
    talk.pass_time(10 * MINUTE)
    assert await talk.ring() == ["Nothing is sent (expired, None)."]
    assert statuses(talk) == [EXPIRED]
    assert await talk.press(said.payloads[0]) == ["That button has expired."]
    assert bank.sent == []


async def test_who_is_late_before_the_timer_went_off_is_told_so(bank: Bank) -> None:
    talk, said = await asked(bank)
    talk.pass_time(11 * MINUTE)
    assert await talk.press(said.payloads[0]) == [
        "The time to decide that is over.",
        "Nothing is sent (expired, None).",
    ]
    assert bank.sent == []


async def test_what_was_approved_in_time_may_be_done_later(bank: Bank) -> None:
    bank.question_after = "From which account?"
    talk, said = await asked(bank)
    assert await talk.press(said.payloads[0]) == ["From which account?"]
    talk.pass_time(60 * MINUTE)
    assert await talk.say("current") == ["Sent: R1"]


@pytest.mark.parametrize("by", [not_the_asker, operators("ann", "bob")])
async def test_the_asker_cannot_say_yes_where_others_must(bank: Bank, by: Approvers) -> None:
    bank.by = by
    talk, said = await asked(bank)
    assert (said.text, said.labels) == (f"Send €40.00 to Ada\n{WAITING}", ())
    for text in ("yes", "approve", "1", "help"):
        assert await talk.say(text) == [WAITING]
    frame = talk.state.data["frames"][0]
    [asked_for] = talk.services.approvals
    assert await talk.press(f"ask:{frame['run']}:approve#0:yes-{asked_for.hex}") == [WAITING]
    assert (bank.sent, statuses(talk)) == ([], [PENDING])
    assert await talk.decide(True, "bob") == ["Sent: R1"]
    assert bank.heard[-1].decided_by == "operator:bob"


async def test_while_others_decide_the_person_may_do_something_else(bank: Bank) -> None:
    bank.by = not_the_asker
    talk, _ = await asked(bank, hours())
    assert await talk.say("opening hours") == ["From 9 to 18."]
    assert await talk.say("yes") == [WAITING]
    assert await talk.decide(False, reason="too much") == ["Nothing is sent (rejected, too much)."]


async def test_a_yes_that_the_asker_may_not_say_is_no_question_for_other_flows(bank: Bank) -> None:
    bank.by = not_the_asker
    fallback = Flow("fallback", default=True)

    @fallback
    async def answer(chat: Chat) -> None:
        await chat.say(f"No idea about {chat.opening}.")

    talk, _ = await asked(bank, fallback)
    assert await talk.say("approve") == [WAITING]
    assert await talk.say("and now?") == ["No idea about and now?."]
    assert await talk.decide(True) == ["Sent: R1"]


async def test_where_anyone_may_decide_the_first_counts(bank: Bank) -> None:
    bank.by = anyone
    talk, said = await asked(bank)
    [asked_for] = talk.services.approvals
    decision = talk.decision(asked_for, False, "ann", "not today")
    # The person's yes is behind it in the row, though before it in the lane.
    assert await talk.press(said.payloads[0]) == [
        "That has been decided already.",
        "Nothing is sent (rejected, not today).",
    ]
    assert await talk.send(decision) == []
    assert (bank.sent, statuses(talk)) == ([], [REJECTED])


async def test_a_decision_comes_while_another_flow_talks_and_counts_when_it_has_ended(bank: Bank) -> None:
    bank.by = anyone
    name = Flow("name", phrases=["my name"])

    @name
    async def ask_name(chat: Chat) -> None:
        await chat.say(f"Hello {await chat.ask('name', 'Your name?')}")

    talk, _ = await asked(bank, name)
    assert await talk.say("my name") == ["Your name?"]
    assert await talk.decide(True) == []
    assert await talk.say("Eve") == ["Hello Eve", "Sent: R1"]


async def test_a_decision_while_a_person_has_the_session_counts_when_it_is_given_back(bank: Bank) -> None:
    bank.by = not_the_asker
    talk, _ = await asked(bank)
    talk.session = replace(talk.session, in_handoff=True, owner="ann")
    assert await talk.decide(True, "bob") == []
    assert statuses(talk) == [APPROVED]
    assert (await talk.operate("resume"))[-1] == "Sent: R1"


@pytest.mark.parametrize("payload", [None, {"approval": "x"}, {"approval": 3}, "yes", []])
async def test_a_decision_for_nothing_is_dropped(bank: Bank, payload: Any) -> None:
    talk, _ = await asked(bank)
    assert await talk.send(talk.entry("", EntryKind.DECISION, payload)) == []
    assert statuses(talk) == [PENDING]


@pytest.mark.parametrize("words", ["cancel", "start over", "back", "no, I meant 50"])
async def test_whoever_goes_elsewhere_leaves_nothing_undecided(bank: Bank, words: str) -> None:
    talk, said = await asked(bank)
    await talk.say(words)
    first = next(iter(talk.services.approvals.values()))
    assert (first.decision.status, first.decision.reason) == (EXPIRED, "withdrawn")
    assert "That button has expired." in (await talk.press(said.payloads[0]))[0]
    assert bank.sent == []


async def test_after_going_back_it_is_asked_anew_and_the_old_button_is_void(bank: Bank) -> None:
    talk, said = await asked(bank)
    assert await talk.say("back") == ["How much?"]
    assert await talk.say("40") == ["Send €40.00 to Ada"]
    assert (await talk.press(said.payloads[0]))[0].startswith("That button has expired.")
    assert statuses(talk) == [EXPIRED, PENDING]
    assert await talk.say("yes") == ["Sent: R1"]


def change_amount(bank: Bank) -> None:
    bank.fee = 1


def change_words(bank: Bank) -> None:
    bank.shown = "Pay {payee} €{amount}"


def change_function(bank: Bank) -> None:
    bank.function = bank.send_at_once


def change_approvers(bank: Bank) -> None:
    bank.by = anyone


@pytest.mark.parametrize("change", [change_amount, change_words, change_function, change_approvers])
@pytest.mark.parametrize("answer", ["press", "yes", "time"])
async def test_what_has_changed_meanwhile_is_asked_anew(bank: Bank, change: Any, answer: str) -> None:
    talk, said = await asked(bank)
    change(bank)
    if answer == "press":
        heard = await talk.press(said.payloads[0])
    elif answer == "time":
        talk.pass_time(10 * MINUTE)
        heard = await talk.ring()
    else:
        heard = await talk.say(answer)
    assert heard[0].startswith("Something has changed meanwhile, so I have to ask again.\n")
    first, second = talk.services.approvals.values()
    assert (first.decision.status, first.decision.reason) == (EXPIRED, "changed")
    assert second.decision.status is PENDING
    assert bank.sent == []
    [timer] = talk.timers.values()
    assert timer.due_at == second.approval.expires_at == talk.services.time + 10 * MINUTE
    assert (await talk.press(said.payloads[0]))[0].startswith("That button has expired.")
    assert (bank.sent, second.decision.status) == ([], PENDING)
    assert await talk.say("yes") == ["Sent: R1"]


async def test_a_yes_to_what_has_changed_meanwhile_is_void(bank: Bank) -> None:
    bank.by = not_the_asker
    talk, _ = await asked(bank)
    change_amount(bank)
    assert (await talk.decide(True))[0].startswith("Something has changed meanwhile")
    first = next(iter(talk.services.approvals.values()))
    assert (first.decision.status, first.decision.by, first.decision.reason) == (
        EXPIRED,
        "operator:ann",
        "changed",
    )
    assert bank.sent == []


async def test_a_flow_that_begins_anew_asks_anew_and_takes_no_word_for_it(bank: Bank) -> None:
    talk, _ = await asked(bank)
    bank.question_before = "Really?"
    assert await talk.say("yes") == [
        "I have changed since we last spoke, so let me go through this again.",
        "Really?",
    ]
    assert statuses(talk) == [EXPIRED]
    assert await talk.say("yes") == ["Send €40.00 to Ada"]
    assert bank.sent == []
    assert await talk.say("yes") == ["Sent: R1"]


async def test_a_new_version_without_changes_takes_the_yes(bank: Bank) -> None:
    talk, said = await asked(bank)
    talk.bot = Bot([bank.flow(version="2")])
    assert await talk.press(said.payloads[0]) == ["Sent: R1"]


async def test_what_cannot_be_seen_is_written_out(bank: Bank) -> None:
    talk = Conversation(Bot([bank.flow()]))
    await talk.say("send")
    await talk.say("Ada\u202e\u200b\x07\u3164")
    assert await talk.say("40") == ["Send €40.00 to Ada[U+202E][U+200B][U+0007][U+3164]"]


async def test_a_card_is_part_of_what_is_shown_and_bound() -> None:
    cards = [
        Card("Order", "for \u200bAda", [("Items", "3")], "https://bank.example/1"),
        Card("Order", "for Bob"),
    ]

    async def script(chat: Chat) -> None:
        await chat.approve("Place it", Bank().send, by=asker, card=cards[0])

    talk = Conversation(bot_that(script))
    [said] = await talk.show("go")
    assert said.document["card"]["text"] == "for [U+200B]Ada"
    [held] = talk.services.approvals.values()
    assert held.approval.shown == "Place it\nOrder\nfor [U+200B]Ada\nItems: 3\nhttps://bank.example/1"
    cards.pop(0)
    assert (await talk.say("yes"))[0].startswith("Something has changed")


async def test_in_a_flow_with_secrets_what_was_shown_is_sealed(bank: Bank) -> None:
    talk = Conversation(Bot([bank.flow(sensitive=True)]))
    for text in ("send", "Ada", "40"):
        await talk.say(text)
    [held] = talk.services.approvals.values()
    assert held.approval.sensitive


async def test_an_entered_flow_may_ask_for_it_too(bank: Bank) -> None:
    child = bank.flow()

    async def script(chat: Chat) -> None:
        await chat.enter(child)
        await chat.say("Done.")

    talk = Conversation(bot_that(script))
    for text in ("go", "Ada"):
        await talk.say(text)
    [said] = [Said(text) for text in await talk.say("40")]
    assert said.text == "Send €40.00 to Ada"
    assert await talk.say("yes") == ["Sent: R1", "Done."]


async def test_a_turn_that_has_to_do_with_no_approval_says_nothing_of_any() -> None:
    talk = Conversation(Bot([hours()]))
    await talk.say("opening hours")
    assert talk.outcome is not None
    assert talk.outcome.approvals is None


async def wrong(**given: Any) -> None:
    async def script(chat: Chat) -> None:
        await chat.approve(
            given.get("shown", "Do it"),
            given.get("function", Bank().send),
            *given.get("arguments", ()),
            **{key: given[key] for key in ("by", "expires") if key in given},
        )

    talk = Conversation(bot_that(script))
    await talk.say("go")
    if talk.failure is not None:
        raise talk.failure


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"shown": " "}, "say what will be done"),
        ({"shown": 3}, "no text"),
        ({"by": "ann"}, "by= is asker"),
        ({"expires": timedelta()}, "longer than nothing"),
        ({"expires": 10}, "is a timedelta"),
        ({"function": lambda: None}, "no lambda or partial"),
        ({"arguments": [{1, 2}]}, "cannot be recorded"),
    ],
)
async def test_a_wrong_use_is_named(given: dict[str, Any], told: str) -> None:
    with pytest.raises(FlowMistake, match=told):
        await wrong(**given)


@pytest.mark.parametrize("names", [(), ("",), (" ", "ann")])
def test_approvers_are_named(names: tuple[str, ...]) -> None:
    with pytest.raises(FlowMistake, match="name them"):
        operators(*names)


async def test_time_that_is_up_while_another_flow_talks_counts_when_it_has_ended(bank: Bank) -> None:
    name = Flow("name", phrases=["my name"])

    @name
    async def ask_name(chat: Chat) -> None:
        await chat.say(f"Hello {await chat.ask('name', 'Your name?')}")

    talk, _ = await asked(bank, name)
    await talk.say("my name")
    talk.pass_time(10 * MINUTE)
    assert await talk.ring() == []
    assert statuses(talk) == [PENDING]
    assert await talk.say("Eve") == ["Hello Eve", "Nothing is sent (expired, None)."]
    assert statuses(talk) == [EXPIRED]


async def test_a_flow_that_is_not_there_any_more_waits_for_nothing(bank: Bank) -> None:
    talk, _ = await asked(bank)
    talk.bot = Bot([hours()])
    assert talk.bot.texts.retired in await talk.say("yes")
    assert statuses(talk) == [EXPIRED]


async def test_state_that_cannot_be_read_waits_for_nothing(bank: Bank) -> None:
    talk, _ = await asked(bank)
    talk.state = replace(talk.state, data={"format": 99, "frames": []})
    assert talk.bot.texts.damaged in await talk.say("yes")
    assert statuses(talk) == [EXPIRED]


async def test_a_flow_that_goes_on_in_another_session_asks_there_anew(bank: Bank) -> None:
    bank.by = anyone
    talk, said = await asked(bank)
    talk.session = replace(talk.session, id=UUID(int=77))
    assert (await talk.press(said.payloads[0]))[0].startswith("Something has changed meanwhile")
    assert bank.sent == []
    assert await talk.say("yes") == ["Sent: R1"]


async def test_an_answer_that_is_gone_is_asked_for_again_and_then_it_is_asked_anew(bank: Bank) -> None:
    async def script(chat: Chat) -> None:
        payee = await chat.ask("payee", "To whom?", ephemeral=True)
        yes = await chat.approve("Send it", bank.send, payee, 40)
        await chat.say(str(yes.status))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("Ada") == ["Send it"]
    talk.services.ephemeral.clear()
    assert await talk.say("yes") == ["To whom?"]
    assert statuses(talk) == [EXPIRED]
    assert await talk.say("Ada") == ["Send it"]
    assert await talk.say("yes") == ["approved"]


async def test_a_turn_that_fails_voids_nothing(bank: Bank) -> None:
    broken: list[bool] = []

    async def script(chat: Chat) -> None:
        try:
            yes = await chat.approve("Send it", bank.send, "Ada", len(broken))
        finally:
            if broken:
                await asyncio.gather(asyncio.create_task(chat.say("no")), return_exceptions=True)
        await chat.say(str(yes.status))

    talk = Conversation(bot_that(script))
    [said] = await talk.show("go")
    broken.append(True)
    assert await talk.press(said.payloads[0]) == [talk.bot.texts.apology]
    assert statuses(talk) == [PENDING]
    broken.clear()
    assert await talk.press(said.payloads[0]) == ["approved"]
