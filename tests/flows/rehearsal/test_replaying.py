"""A conversation on record is taken again with today's flows; what comes out differently is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from recorded_talk import RecordedTalk
from written_tests import bot_from

from flows.llm.contract import Finished, StopReason, Text, Usage
from flows.rehearsal.replaying import Replayed, replay
from flows.rehearsal.services import RehearsedServices
from flows.rehearsal.stored_talk import StoredTalk
from flows.rehearsal.transcript import lines_of
from flows.services import ModelChoice
from storage.knowledge import Passage
from storage.outcomes import Flag
from storage.records import Sender

HEAD = """
import random
from datetime import timedelta
from decimal import Decimal
from flows import CallFailed, Chat, Flow
"""
SHOP = (
    HEAD
    + """
shop = Flow("shop", description="Sells things", phrases=["shop"])

async def price(thing): return Decimal(random.randrange(100, 10_000)) / 100
async def stock(thing): raise ConnectionError("away")

@shop
async def keep_shop(chat: Chat) -> None:
    ticket = await chat.memo("ticket", lambda: random.randrange(10**9))
    thing = await chat.ask("thing", "Which one?", choices=["this", "that"])
    cost = await chat.call(price, thing)
    try:
        await chat.call(stock, thing)
    except CallFailed as failed:
        await chat.say(f"I do not know how many there are ({failed.kind}).")
    await chat.say(f"Number {ticket}: it costs {cost}.")
    await chat.ask("sure", "Sure?", choices=["yes", "no"])
    await chat.say("Thank you.")
"""
)


def shown(replayed: Replayed) -> str:
    return "\n".join(lines_of(replayed))


async def test_a_finished_conversation_comes_out_the_same_with_its_calls_memos_and_buttons(
    tmp_path: Path,
) -> None:
    bot = bot_from(tmp_path, SHOP)
    recorded = RecordedTalk(bot)
    await recorded.type("shop")
    await recorded.press("that", after=timedelta(days=3))
    await recorded.type("yes")
    assert recorded.said[-1] == "Thank you."
    assert [(each.result.kind, each.result.name) for each in recorded.results] == [
        ("memo", "ticket"),
        ("call", "price"),
        ("call", "stock"),
    ]
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)
    assert (replayed.notes, replayed.stopped) == ([], None)
    assert "(3 days later)" in shown(replayed)


async def test_a_changed_text_is_shown_beside_what_was_said(tmp_path: Path) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, SHOP))
    await recorded.type("shop")
    (tmp_path / "now").mkdir()
    replayed = await replay(
        bot_from(tmp_path / "now", SHOP.replace("Which one?", "Which of them?")), recorded.talk
    )
    assert shown(replayed).splitlines() == [
        "    you> shop",
        "  - bot> Which one?   [this | that]",
        "  + bot> Which of them?   [this | that]",
    ]


async def test_a_later_step_that_changed_is_shown_with_the_calls_that_are_new_or_not_made(
    tmp_path: Path,
) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, SHOP))
    for text in ("shop", "this", "yes"):
        await recorded.type(text)
    (tmp_path / "now").mkdir()
    now = SHOP.replace(
        'await chat.ask("sure", "Sure?", choices=["yes", "no"])', "await chat.call(book, thing)"
    )
    now = now.replace("async def stock", "async def book(thing): raise AssertionError\nasync def stock")
    now = now.replace("await chat.call(stock, thing)", "pass")
    replayed = await replay(bot_from(tmp_path / "now", now), recorded.talk)
    told = shown(replayed)
    assert "  ! the call book (shop, book) is not on record" in told
    assert "  ! the call stock (shop, stock) is on record and was not asked for" in told
    assert "  - bot> Sure?   [yes | no]" in told


async def test_a_call_with_other_arguments_is_answered_by_its_name_and_told(tmp_path: Path) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, SHOP))
    for text in ("shop", "this"):
        await recorded.type(text)
    (tmp_path / "now").mkdir()
    now = SHOP.replace("chat.call(price, thing)", "chat.call(price, thing.upper())")
    replayed = await replay(bot_from(tmp_path / "now", now), recorded.talk)
    assert [line.text for line in replayed.lines if line.mark != " "] == [
        "the call price (shop, price) has other arguments than on record; answered as it was then"
    ]


async def test_a_flow_that_is_gone_leaves_all_its_replies_missing(tmp_path: Path) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, SHOP))
    await recorded.type("shop")
    (tmp_path / "now").mkdir()
    other = (
        HEAD
        + 'hello = Flow("hello", description="Greets", phrases=["hi"])\n@hello\nasync def greet(chat): pass\n'
    )
    replayed = await replay(bot_from(tmp_path / "now", other), recorded.talk)
    assert "  - bot> Which one?   [this | that]" in shown(replayed)
    assert "  ! state: flow: expected shop, found nothing" in shown(replayed)


SECRET = (
    HEAD
    + """
card = Flow("card", description="Blocks a card", phrases=["block my card"])

async def block(number): return "B-1"

@card
async def block_card(chat: Chat) -> None:
    number = await chat.ask("number", "Which number?", sensitive=True)
    done = await chat.call(block, number)
    await chat.ask("more", f"Blocked ({done}). Anything else?")
    await chat.say("Goodbye.", sensitive=True)
"""
)


async def test_a_sensitive_answer_is_taken_from_the_flow_that_still_runs_and_not_shown(
    tmp_path: Path,
) -> None:
    bot = bot_from(tmp_path, SECRET)
    recorded = RecordedTalk(bot)
    await recorded.type("block my card")
    await recorded.type("4929 1234")
    assert all(each.result.sensitive for each in recorded.results)
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs and replayed.stopped is None, shown(replayed)
    assert "you> [sensitive]" in shown(replayed)
    assert "4929" not in shown(replayed)


async def test_a_sensitive_answer_of_a_finished_flow_ends_the_replay_with_a_line(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, SECRET)
    recorded = RecordedTalk(bot)
    for text in ("block my card", "4929 1234", "no"):
        await recorded.type(text)
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs
    assert replayed.stopped == "the answer to number is sensitive, and is kept only while card runs"
    assert shown(replayed).splitlines()[-1] == f"    (the replay stops here: {replayed.stopped})"


async def test_a_reply_that_no_record_shows_is_compared_as_such(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, SECRET.replace("sensitive=True)\n    done", ")\n    done"))
    recorded = RecordedTalk(bot)
    for text in ("block my card", "4929 1234", "no"):
        await recorded.type(text)
    assert recorded.said[-1] == "[sensitive]"
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs and "Goodbye" not in shown(replayed), shown(replayed)


OTP = (
    HEAD
    + """
pay = Flow("pay", description="Pays", phrases=["pay"])

@pay
async def pay_it(chat: Chat) -> None:
    await chat.verify_otp()
    await chat.say("Paid.")

@pay.unverified
async def not_paid(chat: Chat) -> None:
    await chat.say("Not paid.")
"""
)


@pytest.mark.parametrize(
    "guesses",
    [["100001"], ["123456", "100001"], ["1111"] * 5, ["what?", "100001"], ["resend", "100002"]],
    ids=["right", "wrong first", "locked", "no code", "sent again"],
)
async def test_one_time_codes_are_judged_as_they_were_without_being_on_record(
    tmp_path: Path, guesses: list[str]
) -> None:
    bot = bot_from(tmp_path, OTP)
    recorded = RecordedTalk(bot)
    for text in ("pay", *guesses):
        await recorded.type(text)
    assert not any(guess in str(recorded.results) for guess in guesses if guess.isdigit())
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs and replayed.stopped is None, shown(replayed)


async def test_a_code_that_could_not_be_sent_cannot_be_sent_again(tmp_path: Path) -> None:
    bot, services = bot_from(tmp_path, OTP), RehearsedServices()
    services.refusal = "no_address"
    recorded = RecordedTalk(bot, services)
    await recorded.type("pay")
    assert recorded.said == ["Not paid."]
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)


TIMED = (
    HEAD
    + """
order = Flow("order", description="Orders", phrases=["order"])

@order
async def take_order(chat: Chat) -> None:
    paid = await chat.wait(event="paid", timeout=timedelta(hours=2))
    await chat.say("Too late." if paid is None else f"Paid: {paid}.")
    name = await chat.ask("name", "Your name?", timeout=timedelta(hours=1), reminder="Still there?", otherwise="?")
    await chat.say(f"Hello {name}.")
"""
)


async def test_events_and_timers_come_again_at_their_times(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, TIMED)
    recorded = RecordedTalk(bot)
    await recorded.type("order")
    await recorded.happen("paid", 5, after=timedelta(minutes=50))
    await recorded.pass_time(timedelta(minutes=40))
    await recorded.type("Ada")
    assert recorded.said == ["Paid: 5.", "Your name?", "Still there?\nYour name?", "Hello Ada."]
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)
    assert "(event paid: 5)" in shown(replayed)
    (tmp_path / "now").mkdir()
    sooner = bot_from(tmp_path / "now", TIMED.replace("timedelta(hours=1)", "timedelta(minutes=30)"))
    assert "  + bot> Hello ?." in shown(await replay(sooner, recorded.talk))


async def test_a_timer_that_went_off_after_the_last_message_goes_off_again(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, TIMED)
    recorded = RecordedTalk(bot)
    await recorded.type("order")
    await recorded.pass_time(timedelta(hours=4))
    assert recorded.said[-1] == "Hello ?."
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)
    assert "(2 hours later)" in shown(replayed)


WORDS = (
    HEAD
    + """
poem = Flow("poem", description="Writes a poem", phrases=["poem"])
facts = Flow("facts", description="Knows facts", phrases=["tell me"])
known = Flow("known", description="Knows you", phrases=["who am I"])

@poem
async def write_poem(chat: Chat) -> None:
    await chat.generate("a poem", stream=True)
    rhymes = await chat.generate("does it rhyme?", schema={"type": "object", "properties": {}})
    await chat.say(str(rhymes))

@facts
async def tell(chat: Chat) -> None:
    await chat.answer(otherwise="I do not know.")

@known
async def who(chat: Chat) -> None:
    await chat.say(f"You are {await chat.flag('name', 'nobody')}.")
"""
)


async def test_what_models_documents_and_flags_gave_is_taken_from_the_record(tmp_path: Path) -> None:
    bot, services = bot_from(tmp_path, WORDS), RehearsedServices()
    services.flags = {"name": Flag("name", "Ada")}
    services.passages = [
        Passage(
            services.new_id(), services.new_id(), "kb", "m", "Museum", "", "It is open.", None, 1, 1.0, 1.0
        )
    ]
    recorded = RecordedTalk(bot, services)
    for text in ("tell me when the museum is open", "who am I"):
        await recorded.type(text)
    services.model = ModelChoice("anthropic", "m")
    services.model_says = [[Text("Roses are red."), Finished(StopReason.ENDED, Usage())]]
    await recorded.type("poem")
    assert recorded.conversation.failure is not None, "the second request is not answered"
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)
    assert replayed.notes == []


async def test_a_flow_that_was_meant_is_found_again(tmp_path: Path) -> None:
    bot, services = bot_from(tmp_path, WORDS), RehearsedServices()
    services.alike = {"my name": {"known": 1.0}, "something": {"known": 0.9, "facts": 0.85}}
    recorded = RecordedTalk(bot, services)
    for text in ("my name", "something", "nothing"):
        await recorded.type(text)
    assert [each.result.value for each in recorded.results if each.result.kind == "route"] == [
        ["known"],
        ["known", "facts"],
    ]
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)


async def test_what_is_not_on_record_is_told_and_no_model_is_asked(tmp_path: Path) -> None:
    bot, services = bot_from(tmp_path, WORDS), RehearsedServices()
    services.flags = {"name": Flag("name", "Ada")}
    recorded = RecordedTalk(bot, services)
    for text in ("tell me", "who am I"):
        await recorded.type(text)
    replayed = await replay(bot, replace(recorded.talk, results=()))
    assert "  ! the answer from the documents (facts, answer) is not on record" in shown(replayed)
    assert replayed.notes == ["the flag flag.name (known, flag.name) is not on record: made anew"]


async def test_results_whose_key_is_gone_count_as_not_on_record(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, SHOP)
    recorded = RecordedTalk(bot)
    for text in ("shop", "this"):
        await recorded.type(text)
    lost = tuple(
        replace(each, readable=False, result=replace(each.result, value=None, digest=""))
        for each in recorded.results
    )
    replayed = await replay(bot, replace(recorded.talk, results=lost))
    assert replayed.notes[0].startswith("some results can no longer be read")
    assert "  ! the call price (shop, price) is not on record" in shown(replayed)


FAILING = (
    HEAD
    + """
broken = Flow("broken", description="Breaks", phrases=["break"])

async def number(): return 7

@broken
async def fall(chat: Chat) -> None:
    await chat.call(number)
    raise ValueError("secret")
"""
)


async def test_a_flow_that_failed_then_may_fail_again_and_one_that_fails_now_is_told(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, FAILING)
    recorded = RecordedTalk(bot)
    await recorded.type("break")
    assert [each.result.value for each in recorded.results] == [7], (
        "a call of a turn that failed is on record"
    )
    assert not (await replay(bot, recorded.talk)).differs
    (tmp_path / "then").mkdir()
    well = RecordedTalk(bot_from(tmp_path / "then", FAILING.replace('raise ValueError("secret")', "pass")))
    await well.type("break")
    told = shown(await replay(bot, well.talk))
    assert "! the flow failed: " in told and "secret" not in told


HELP = (
    HEAD
    + """
aid = Flow("aid", description="Helps", phrases=["aid"])

@aid
async def give_aid(chat: Chat) -> None:
    person = await chat.handoff("wants aid")
    await chat.say(f"{person} has helped you.")
"""
)


async def test_a_conversation_that_a_person_took_over_is_played_with_what_they_did(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, HELP)
    recorded = RecordedTalk(bot)
    await recorded.type("aid")
    await recorded.type("are you there?")
    await recorded.operate("reply", "I am.")
    await recorded.operate("resume")
    assert recorded.said == ["ann has helped you."]
    assert [message.sender for message in recorded.messages].count(Sender.AGENT) == 1
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)
    assert "    operator> I am." in shown(replayed) and "    (ann: resume)" in shown(replayed)


APPROVED = (
    HEAD
    + """
from flows import asker, operators

refund = Flow("refund", description="Pays back", phrases=["refund"])

async def pay_back(amount): return "P-1"

@refund
async def pay(chat: Chat) -> None:
    for who in (asker, operators("ann")):
        approval = await chat.approve("Pay back 5?", pay_back, 5, by=who)
        if approval:
            number = await chat.call(pay_back, 5, approval=approval)
            await chat.say(f"Paid: {number}.")
        else:
            await chat.say("Not paid.")
"""
)


@pytest.mark.parametrize("verdict", [True, False])
async def test_what_was_approved_is_approved_again_by_those_who_did(tmp_path: Path, verdict: bool) -> None:
    bot = bot_from(tmp_path, APPROVED)
    recorded = RecordedTalk(bot)
    await recorded.type("refund")
    await recorded.type("yes" if verdict else "no")
    await recorded.decide(verdict)
    assert recorded.said[-1] == ("Paid: P-1." if verdict else "Not paid.")
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs and replayed.stopped is None, shown(replayed)
    assert f"(ann: {'approved' if verdict else 'rejected'})" in shown(replayed)
    (tmp_path / "now").mkdir()
    nobody = bot_from(tmp_path / "now", APPROVED.replace('(asker, operators("ann"))', "(asker,)"))
    assert "! nothing waits to be approved" in shown(await replay(nobody, recorded.talk))


async def test_messages_that_were_answered_together_are_so_again(tmp_path: Path) -> None:
    source = (
        HEAD
        + """
echo = Flow("echo", description="Repeats", phrases=["echo"], overlap="debounce")

@echo
async def repeat(chat: Chat) -> None:
    text = await chat.ask("text", "Say something.")
    await chat.say(f"You said: {text}")
"""
    )
    bot = bot_from(tmp_path, source)
    recorded = RecordedTalk(bot)
    await recorded.type("echo")
    await recorded.hold("one")
    await recorded.type("two")
    assert recorded.said[-1] == "You said: one\ntwo"
    replayed = await replay(bot, recorded.talk)
    assert not replayed.differs, shown(replayed)


def talk_without_state(talk: StoredTalk) -> StoredTalk:
    return replace(talk, state=replace(talk.state, damage="cannot be opened"))


async def test_a_state_that_cannot_be_read_is_not_compared(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, SECRET)
    recorded = RecordedTalk(bot)
    for text in ("block my card", "4929 1234"):
        await recorded.type(text)
    replayed = await replay(bot, talk_without_state(recorded.talk))
    assert not replayed.differs and replayed.stopped is not None
