"""What is under way in another chat of the same person is offered where they start it again, and goes on there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flow_services import Conversation

from flows import Chat, Flow, idempotency_key
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.selves import Parked
from flows.take_up import TAKE_UP
from storage.outcomes import TakenUp

OTHER_SESSION = UUID(int=222)
KEYS: list[str] = []


async def quote(amount: int) -> str:
    KEYS.append(idempotency_key())
    return f"{amount} at 5 %"


def bank() -> Bot:
    loan = Flow("loan", phrases=["a loan"], description="Takes a loan application")
    balance = Flow("balance", phrases=["balance"])
    reminder = Flow("reminder", phrases=["remind me"])

    @loan
    async def apply_for(chat: Chat) -> None:
        await chat.say("Let us begin.")
        pin = await chat.ask("pin", "Your pin?", ephemeral=True)
        amount = await chat.ask("amount", "How much?", int)
        offer = await chat.call(quote, amount)
        name = await chat.ask("name", f"{offer}. Your name?", timeout=timedelta(days=1), otherwise="?")
        await chat.say(f"{name}: {offer}, {pin}")

    @balance
    async def tell_balance(chat: Chat) -> None:
        await chat.verify_otp()
        await chat.say("€1")

    @reminder
    async def remind(chat: Chat) -> None:
        await chat.say(str(await chat.wait(event="shipped")))

    return Bot([loan, balance, reminder])


def leave_parked(talk: Conversation, *, days: int = 0) -> None:
    """What this conversation has under way is in another session; here nothing is."""
    since = talk.services.time - timedelta(days=days)
    parked = Parked(OTHER_SESSION, "WhatsApp", since, 7, talk.state.data)
    talk.services.selves.elsewhere = [parked]
    talk.state = replace(talk.state, data={}, flow=None, flow_version=None, state_name=None)
    talk.services.ephemeral.clear()
    talk.timers = {}
    talk.session = replace(talk.session, linked=True)


@pytest.fixture
def talk() -> Conversation:
    KEYS.clear()
    return Conversation(bank())


@pytest.fixture
async def half_way(talk: Conversation) -> Conversation:
    for text in ("a loan", "4711", "500"):
        await talk.say(text)
    leave_parked(talk, days=2)
    return talk


def taken_up(talk: Conversation) -> TakenUp | None:
    assert talk.outcome is not None
    return talk.outcome.taken_up


async def test_the_person_is_asked_and_goes_on_with_the_question_that_waits(half_way: Conversation) -> None:
    [question] = await half_way.show("a loan")
    assert question.text == (
        "You have this under way on WhatsApp, since Friday: Loan. Go on with that here?"
    ), question.text
    assert question.labels == ("Yes, go on", "No, start anew")
    assert taken_up(half_way) is None
    assert await half_way.say("yes") == [
        "All right, we go on here.",
        "500 at 5 %. Your name?",
    ]
    assert taken_up(half_way) == TakenUp(OTHER_SESSION, 7, "Continued on web.")
    assert len(KEYS) == 1
    half_way.services.selves.elsewhere = []
    assert await half_way.say("Ada") == ["Your pin?"], "what was kept briefly there is gone"
    assert await half_way.say("4711") == ["Ada: 500 at 5 %, 4711"]
    assert len(KEYS) == 1


async def test_a_no_begins_anew_and_leaves_the_other_where_it_is(half_way: Conversation) -> None:
    await half_way.say("a loan")
    assert await half_way.say("No, start anew") == ["Let us begin.", "Your pin?"]
    assert taken_up(half_way) is None


async def test_start_over_at_the_question_begins_anew(half_way: Conversation) -> None:
    await half_way.say("a loan")
    said = await half_way.say("start over")
    assert said[1:] == ["Let us begin.", "Your pin?"]


async def test_continue_offers_what_was_parked_last_whatever_it_is(half_way: Conversation) -> None:
    [question] = await half_way.show("continue")
    assert question.labels == ("Yes, go on", "No")
    assert "Loan" in question.text
    assert await half_way.say("yes") == ["All right, we go on here.", "500 at 5 %. Your name?"]


async def test_a_no_to_continue_leaves_it_there(half_way: Conversation) -> None:
    await half_way.say("continue")
    assert await half_way.say("no") == [half_way.bot.texts.take_up_left]
    assert half_way.state.flow is None


async def test_start_over_after_continue_ends_the_question(half_way: Conversation) -> None:
    await half_way.say("continue")
    assert await half_way.say("start over") == [half_way.bot.texts.started_over]
    assert half_way.state.flow is None


async def test_who_is_linked_to_nobody_is_not_looked_for(half_way: Conversation) -> None:
    half_way.session = replace(half_way.session, linked=False)
    assert await half_way.say("a loan") == ["Let us begin.", "Your pin?"]
    await half_way.say("cancel")
    await half_way.say("continue")
    assert half_way.services.selves.looked == []


async def test_another_flow_than_the_one_parked_begins_at_once(half_way: Conversation) -> None:
    [question] = await half_way.say("balance")
    assert question.startswith("I have sent a code")


async def test_in_the_middle_of_a_flow_nothing_is_looked_for(half_way: Conversation) -> None:
    await half_way.say("balance")
    half_way.services.selves.looked.clear()
    assert (await half_way.say("a loan"))[:1] == ["Let us begin."]
    assert half_way.services.selves.looked == []


async def test_what_went_on_meanwhile_is_gone(half_way: Conversation) -> None:
    await half_way.say("a loan")
    half_way.services.selves.elsewhere = []
    assert await half_way.say("yes") == [half_way.bot.texts.take_up_gone]
    assert taken_up(half_way) is None
    assert half_way.state.flow is None


async def test_a_code_that_was_sent_there_is_sent_anew(talk: Conversation) -> None:
    await talk.say("balance")
    leave_parked(talk)
    await talk.say("balance")
    said = await talk.say("yes")
    assert said[0] == "All right, we go on here."
    assert said[1].startswith("I have sent a code")
    assert talk.outcome is not None
    assert len(talk.outcome.dispatches) == 1
    assert await talk.say("100002") == ["€1"]


async def test_a_wait_goes_on_as_it_stands(talk: Conversation) -> None:
    await talk.say("remind me")
    leave_parked(talk)
    await talk.say("remind me")
    assert await talk.say("yes") == ["All right, we go on here."]
    assert await talk.happen("shipped", "today") == ["today"]


async def test_a_time_limit_goes_on_with_a_timer_of_its_own(half_way: Conversation) -> None:
    (frame,) = half_way.services.selves.elsewhere[0].data["frames"]
    [[_, there, *_]] = frame["alarms"]
    await half_way.say("a loan")
    await half_way.say("yes")
    (timer,) = half_way.timers
    assert str(timer) != there
    half_way.pass_time(timedelta(days=1))
    assert await half_way.ring() == ["Your pin?"]


async def test_a_call_that_failed_there_is_made_here_with_the_key_that_it_had() -> None:
    flow = Flow("pay", phrases=["pay"])
    keys = []

    async def transfer() -> str:
        keys.append(idempotency_key())
        return "done"

    @flow
    async def pay(chat: Chat) -> None:
        await chat.ask("sure", "Sure?", bool)
        await chat.call(transfer)
        await chat.ask("more", "More?", bool)

    here, there = Conversation(Bot([flow])), Conversation(Bot([flow]))
    there.session = replace(there.session, id=OTHER_SESSION, user_id=UUID(int=31))
    await there.say("pay")
    parked = Parked(OTHER_SESSION, "the web", there.services.time, 1, there.state.data)
    await there.say("yes")
    here.services.selves.elsewhere = [parked]
    here.session = replace(here.session, linked=True)
    here.services.ids = 5000
    await here.say("pay")
    await here.say("yes")
    await here.say("yes")
    assert len(keys) == 2
    assert keys[0] == keys[1]


async def test_a_turn_that_dies_while_it_takes_up_goes_on_from_there(talk: Conversation) -> None:
    await talk.say("balance")
    leave_parked(talk)
    await talk.say("balance")
    await talk.say("yes")
    assert taken_up(talk) is not None
    bot = call_first()
    dying = Conversation(bot)
    await dying.say("work")
    leave_parked(dying)
    dying.services.time += timedelta(days=1)
    await dying.say("work")
    dying.services.kill_at = {2}
    assert await dying.say("yes") == ["All right, we go on here.", "done 1", "More?"]
    assert dying.services.kill_at == set(), "the turn did not die"
    assert taken_up(dying) == TakenUp(OTHER_SESSION, 7, "Continued on web.")


async def test_a_turn_that_dies_and_finds_it_gone_begins_from_the_question() -> None:
    talk = Conversation(call_first())
    await talk.say("work")
    leave_parked(talk)
    talk.services.time += timedelta(days=1)
    await talk.say("work")
    talk.services.kill_at = {2}

    original = talk.services.checkpoint

    async def taken_by_another(state: Any) -> None:
        if len(talk.services.checkpoints) == 1:
            talk.services.selves.elsewhere = []
        await original(state)

    talk.services.checkpoint = taken_by_another  # type: ignore[method-assign]
    assert await talk.say("yes") == [talk.bot.texts.take_up_gone]
    assert taken_up(talk) is None


def call_first() -> Bot:
    """A flow whose wait is over when it is taken up, so that it calls at once."""
    flow = Flow("work", phrases=["work"])
    made = []

    async def count() -> int:
        made.append(1)
        return len(made)

    @flow
    async def work(chat: Chat) -> None:
        await chat.wait(timedelta(hours=1))
        await chat.say(f"done {await chat.call(count)}")
        await chat.ask("more", "More?", bool)

    return Bot([flow])


async def test_a_flow_that_fails_when_it_is_taken_up_stays_where_it_was() -> None:
    flow = Flow("main", phrases=["go"])

    @flow
    async def script(chat: Chat) -> None:
        await chat.wait(timedelta(hours=1))
        raise RuntimeError("broken")

    talk = Conversation(Bot([flow]))
    await talk.say("go")
    leave_parked(talk)
    talk.services.time += timedelta(hours=2)
    await talk.say("go")
    assert await talk.say("yes") == [talk.bot.texts.apology]
    assert taken_up(talk) is None
    assert talk.state.flow == TAKE_UP.name


async def test_damaged_and_unknown_and_unmovable_states_are_not_offered(talk: Conversation) -> None:
    handed = Flow("handed", phrases=["a human please"])

    @handed
    async def hand(chat: Chat) -> None:
        await chat.handoff()

    talk.bot = Bot([*talk.bot.registry.all(), handed])
    await talk.say("a human please")
    talk.session = replace(talk.session, in_handoff=False)
    leave_parked(talk)
    (parked,) = talk.services.selves.elsewhere
    gone = {"format": 1, "frames": [{**parked.data["frames"][0], "flow": "retired"}]}
    talk.services.selves.elsewhere = [
        replace(parked, data={"format": 9}),
        replace(parked, data=gone),
        parked,
        replace(parked, data={}),
    ]
    assert await talk.say("a human please") == []
    assert taken_up(talk) is None
    assert talk.state.flow == "handed"


async def test_the_question_itself_is_in_no_menu_and_cannot_be_replaced(talk: Conversation) -> None:
    assert TAKE_UP not in talk.bot.registry.all()
    assert TAKE_UP not in talk.bot.registry.every_version()
    mine = Flow(TAKE_UP.name)

    @mine
    async def script(chat: Chat) -> None:
        return

    with pytest.raises(FlowMistake, match="built-in"):
        Bot([mine])
