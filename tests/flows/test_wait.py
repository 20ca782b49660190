"""`wait`: for a while, until a time, for an event; and what the person may do meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.timers import MOST_EVENTS
from storage.records import EntryKind

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def flow_of(script: Any) -> Flow:
    flow = Flow("main", phrases=["go"])
    flow(script)
    return flow


def reminder() -> Flow:
    flow = Flow("reminder", phrases=["remind me"])

    @flow
    async def remind(chat: Chat) -> None:
        what = await chat.ask("what", "Of what?")
        await chat.say("I will.")
        await chat.wait(for_=DAY)
        await chat.say(f"Do not forget: {what}")

    return flow


def order() -> Flow:
    flow = Flow("order", phrases=["order"])

    @flow
    async def place(chat: Chat) -> None:
        await chat.say("Please pay.")
        paid = await chat.wait(event="paid", timeout=2 * DAY)
        if paid is None:
            await chat.end("That took too long.")
        await chat.say(f"Thank you for {paid}.")

    return flow


def hours() -> Flow:
    flow = Flow("hours", phrases=["opening hours"], patterns=[r"\bopen\b"])

    @flow
    async def tell(chat: Chat) -> None:
        await chat.say("From 9 to 18.")

    return flow


def booking() -> Flow:
    flow = Flow("booking", phrases=["book"])

    @flow
    async def book(chat: Chat) -> None:
        await chat.say(f"Booked for {await chat.ask('name', 'Your name?')}.")

    return flow


def fallback() -> Flow:
    flow = Flow("fallback", default=True)

    @flow
    async def answer(chat: Chat) -> None:
        await chat.say(f"No idea about {chat.opening}.")

    return flow


async def waiting_for_payment(*more: Flow) -> Conversation:
    talk = Conversation(Bot([order(), *more]))
    assert await talk.say("order") == ["Please pay."]
    return talk


async def test_a_flow_goes_on_by_itself_when_its_time_has_come() -> None:
    talk = Conversation(Bot([reminder()]))
    await talk.say("remind me")
    assert await talk.say("the milk") == ["I will."]
    talk.pass_time(DAY - timedelta(seconds=1))
    assert await talk.ring() == []
    talk.pass_time(timedelta(seconds=1))
    assert await talk.ring() == ["Do not forget: the milk"]
    assert talk.state.flow is None
    assert talk.timers == {}


async def test_a_flow_waits_until_a_time() -> None:
    async def until(chat: Chat) -> None:
        await chat.wait(until=datetime(2026, 3, 2, 9, tzinfo=UTC))
        await chat.say("Good morning.")

    talk = Conversation(bot_that(until))
    assert await talk.say("go") == []
    talk.pass_time(20 * HOUR)
    assert await talk.ring() == []
    talk.pass_time(HOUR)
    assert await talk.ring() == ["Good morning."]


@pytest.mark.parametrize(
    "when", [{"for_": timedelta()}, {"for_": -HOUR}, {"until": datetime(2020, 1, 1, tzinfo=UTC)}]
)
async def test_a_time_that_is_over_is_not_waited_for(when: dict[str, Any]) -> None:
    async def go_on(chat: Chat) -> None:
        await chat.wait(**when)
        await chat.say("on")

    talk = Conversation(bot_that(go_on))
    assert await talk.say("go") == ["on"]
    assert talk.timers == {}


async def test_a_loop_waits_each_time_anew() -> None:
    async def nag(chat: Chat) -> None:
        for number in range(3):
            await chat.wait(for_=HOUR)
            await chat.say(f"{number}")

    talk = Conversation(bot_that(nag))
    await talk.say("go")
    for number in range(3):
        talk.pass_time(HOUR)
        assert await talk.ring() == [f"{number}"]


async def test_an_event_brings_its_value_and_ends_the_time_limit() -> None:
    talk = await waiting_for_payment()
    [timer] = talk.timers.values()
    assert timer.due_at == talk.services.time + 2 * DAY
    assert await talk.happen("paid", Decimal("12.50")) == ["Thank you for 12.50."]
    assert talk.timers == {}


async def test_an_event_that_does_not_come_in_time_is_none() -> None:
    talk = await waiting_for_payment()
    talk.pass_time(2 * DAY)
    assert await talk.ring() == ["That took too long."]


async def test_an_event_without_a_value_is_not_taken_for_the_time_limit() -> None:
    async def wait(chat: Chat) -> None:
        came = await chat.ask("first", "?") and await chat.wait(event="done")
        await chat.say(f"came: {came}")

    talk = Conversation(bot_that(wait))
    await talk.say("go")
    await talk.say("x")
    assert await talk.happen("done") == ["came: None"]


async def test_an_event_that_came_before_the_wait_is_kept_and_the_oldest_is_taken_first() -> None:
    async def collect(chat: Chat) -> None:
        await chat.ask("name", "Your name?")
        first = await chat.wait(event="paid")
        second = await chat.wait(event="paid")
        await chat.say(f"{first}, {second}, {await chat.wait(event='sent')}")

    talk = Conversation(bot_that(collect))
    await talk.say("go")
    for name, value in (("paid", 1), ("sent", 2), ("paid", 3)):
        assert await talk.happen(name, value) == []
    assert await talk.say("Ada") == ["1, 3, 2"]


async def test_an_event_for_nobody_is_dropped_without_a_word() -> None:
    talk = Conversation(Bot([order()]))
    assert await talk.happen("paid", 1) == []
    assert talk.state.data == {}


@pytest.mark.parametrize("payload", [None, [], {"value": 1}, {"name": 1}, "paid"])
async def test_an_event_that_makes_no_sense_moves_nothing(payload: Any) -> None:
    talk = await waiting_for_payment()
    assert await talk.send(talk.entry("", EntryKind.EVENT, payload)) == []
    assert await talk.happen("paid", 1) == ["Thank you for 1."]


async def test_while_a_flow_waits_the_person_may_talk_about_other_things() -> None:
    talk = await waiting_for_payment(hours(), fallback())
    assert await talk.say("when are you open?") == ["From 9 to 18."]
    assert await talk.say("the weather") == ["No idea about the weather."]
    assert await talk.happen("paid", 5) == ["Thank you for 5."]


async def test_what_nothing_else_answers_to_is_told_that_the_flow_waits() -> None:
    talk = await waiting_for_payment()
    assert await talk.say("hello?") == ['I will go on by myself when it is time. You can also say "cancel".']
    assert await talk.say("help") == ['I will go on by myself when it is time. You can also say "cancel".']
    assert await talk.say("cancel") == ["All right, I have stopped that."]
    assert talk.timers == {}


async def test_a_timer_does_not_interrupt_another_flow_but_counts_when_that_is_done() -> None:
    talk = await waiting_for_payment(booking())
    assert await talk.say("book") == ["Your name?"]
    talk.pass_time(2 * DAY)
    assert await talk.ring() == []
    assert await talk.say("Ada") == ["Booked for Ada.", "That took too long."]


async def test_a_timer_that_went_off_counts_though_this_clock_is_behind() -> None:
    talk = await waiting_for_payment(booking())
    await talk.say("book")
    talk.pass_time(2 * DAY)
    assert await talk.ring() == []
    talk.pass_time(-DAY)
    assert await talk.say("Ada") == ["Booked for Ada.", "That took too long."]


async def test_an_event_does_not_interrupt_another_flow_but_is_there_when_that_is_done() -> None:
    talk = await waiting_for_payment(booking())
    await talk.say("book")
    assert await talk.happen("paid", 7) == []
    assert await talk.say("Ada") == ["Booked for Ada.", "Thank you for 7."]


async def test_an_event_that_a_digression_did_not_take_stays_with_the_flow_below() -> None:
    async def form(chat: Chat) -> None:
        await chat.ask("thing", "Which thing?")
        await chat.say(f"{await chat.wait(event='paid')}")

    flow = Flow("form", phrases=["form"])
    flow(form)
    talk = Conversation(Bot([flow, booking()]))
    await talk.say("form")
    await talk.say("book")
    await talk.happen("paid", 9)
    await talk.say("cancel")
    assert await talk.say("a lamp") == ["9"]


async def test_a_timer_of_a_flow_that_was_cancelled_is_a_turn_without_a_word() -> None:
    talk = await waiting_for_payment()
    [timer] = talk.timers
    await talk.say("cancel")
    assert await talk.send(talk.fire(timer)) == []
    assert talk.outcome is not None
    assert talk.outcome.reason == "none"


async def test_going_back_does_not_lose_an_event_that_came() -> None:
    async def form(chat: Chat) -> None:
        colour = await chat.ask("colour", "Which colour?")
        paid = await chat.wait(event="paid")
        size = await chat.ask("size", "Which size?")
        await chat.say(f"{colour} {paid} {size}")

    talk = Conversation(bot_that(form))
    await talk.say("go")
    await talk.say("red")
    assert await talk.happen("paid", 3) == ["Which size?"]
    assert await talk.say("back") == ["Which colour?"]
    assert await talk.say("blue") == ["Which size?"]
    assert await talk.say("L") == ["blue 3 L"]


async def test_a_wait_in_an_entered_flow_gives_its_value_through() -> None:
    child = Flow("payment")

    @child
    async def payment(chat: Chat) -> Any:
        return await chat.wait(event="paid")

    parent = Flow("shop", phrases=["go"])

    @parent
    async def shop(chat: Chat) -> None:
        await chat.say(f"paid: {await chat.enter(child)}")
        await chat.ask("more", "More?")

    talk = Conversation(Bot([parent, child]))
    await talk.say("go")
    assert await talk.happen("paid", 4) == ["paid: 4", "More?"]
    assert "payment#0/paid#0" not in str(talk.state.data["frames"][0]["rows"])


async def test_a_session_stays_open_for_as_long_as_a_flow_has_to_wait() -> None:
    async def long(chat: Chat) -> None:
        await chat.wait(for_=60 * DAY)

    talk = Conversation(bot_that(long, patience=7 * DAY))
    await talk.say("go")
    assert talk.outcome is not None
    assert talk.outcome.parked_for == 67 * DAY


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "say what to wait for"),
        ({"for_": HOUR, "event": "paid"}, "say what to wait for"),
        ({"for_": HOUR, "timeout": HOUR}, "timeout= belongs to event="),
        ({"until": datetime(2026, 1, 1)}, "with its time zone"),  # noqa: DTZ001
        ({"for_": 3}, "timedelta"),
        ({"for_": timedelta(days=4000)}, "ten years"),
    ],
)
async def test_a_wait_that_makes_no_sense_is_the_authors_mistake(
    arguments: dict[str, Any], reason: str
) -> None:
    async def wrong(chat: Chat) -> None:
        await chat.wait(**arguments)

    talk = Conversation(bot_that(wrong))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert isinstance(talk.failure, FlowMistake)
    assert reason in str(talk.failure)


async def test_a_flow_that_fails_at_an_event_stands_where_it_stood_and_its_timer_stays() -> None:
    async def strict(chat: Chat) -> None:
        paid = await chat.wait(event="paid", timeout=DAY)
        await chat.say(f"{100 // paid if paid is not None else 'late'}")

    talk = Conversation(bot_that(strict))
    await talk.say("go")
    timers = dict(talk.timers)
    assert await talk.happen("paid", 0) == [talk.bot.texts.apology]
    assert talk.timers == timers
    assert await talk.happen("paid", 5) == ["20"]


@pytest.mark.parametrize("kills", [set(), {1}, {2}, {1, 2}])
@pytest.mark.parametrize("what", ["event", "time"])
async def test_a_turn_that_dies_while_the_flow_begins_anew_loses_neither_event_nor_time(
    kills: set[int], what: str
) -> None:
    async def quick() -> int:
        return 1

    async def old(chat: Chat) -> None:
        await chat.say(f"{await chat.wait(event='paid', timeout=DAY)}")

    async def new(chat: Chat) -> None:
        await chat.call(quick)
        await old(chat)

    talk = Conversation(bot_that(old))
    await talk.say("go")
    talk.bot = bot_that(new)
    talk.services.kill_at = set(kills)
    if what == "event":
        assert await talk.happen("paid", 1) == [talk.bot.texts.restarted, "1"]
    else:
        talk.pass_time(DAY)
        assert await talk.ring() == [talk.bot.texts.restarted, "None"]


async def test_an_event_is_kept_by_a_flow_that_begins_anew_and_no_longer_waits_there() -> None:
    async def old(chat: Chat) -> None:
        await chat.wait(event="paid")

    async def new(chat: Chat) -> None:
        name = await chat.ask("name", "Your name?")
        await chat.say(f"{name}, {await chat.wait(event='paid')}")

    talk = Conversation(bot_that(old))
    await talk.say("go")
    talk.bot = bot_that(new)
    assert await talk.happen("paid", 1) == [talk.bot.texts.restarted, "Your name?"]
    assert await talk.say("Ada") == ["Ada, 1"]


async def test_a_time_that_was_waited_for_is_not_waited_for_again_when_the_flow_begins_anew() -> None:
    async def old(chat: Chat) -> None:
        await chat.wait(for_=DAY)
        await chat.ask("name", "Your name?")

    async def new(chat: Chat) -> None:
        await chat.wait(for_=DAY)
        await chat.ask("age", "Your age?")
        await chat.ask("name", "Your name?")

    talk = Conversation(bot_that(old))
    await talk.say("go")
    talk.pass_time(DAY)
    await talk.ring()
    talk.bot = bot_that(new)
    assert await talk.say("Ada") == [talk.bot.texts.restarted, "Your age?"]


async def test_the_next_message_moves_a_wait_whose_timer_was_lost() -> None:
    async def old(chat: Chat) -> None:
        await chat.wait(for_=DAY)
        await chat.say("on")

    talk = Conversation(Bot([hours(), flow_of(old)]))
    for word in ("opening hours", "hello"):
        await talk.say("go")
        talk.pass_time(DAY)
        talk.fired |= set(talk.timers)
        assert (await talk.say(word))[-1] == "on"


async def test_too_many_events_forget_the_oldest() -> None:
    async def count(chat: Chat) -> None:
        await chat.ask("name", "Your name?")
        await chat.say(f"{await chat.wait(event='tick')}")

    talk = Conversation(bot_that(count))
    await talk.say("go")
    for number in range(MOST_EVENTS + 5):
        await talk.happen("tick", number)
    assert await talk.say("Ada") == ["5"]


async def test_a_turn_that_dies_after_an_event_takes_it_once() -> None:
    calls: list[int] = []

    async def ship(paid: int) -> str:
        calls.append(paid)
        return "sent"

    async def shop(chat: Chat) -> None:
        paid = await chat.wait(event="paid", timeout=DAY)
        await chat.say(f"Paid {paid}.")
        await chat.say(await chat.call(ship, paid))
        await chat.wait(for_=DAY)
        await chat.say(await chat.call(ship, 0))

    for kills in ({1}, {2}, {1, 2}):
        calls.clear()
        talk = Conversation(bot_that(shop))
        await talk.say("go")
        talk.services.kill_at = set(kills)
        assert await talk.happen("paid", 3) == ["Paid 3.", "sent"]
        assert calls[:1] == [3]
        talk.pass_time(DAY)
        talk.services.kill_at = {2}
        assert await talk.ring() == ["sent"]
        assert calls[-1] == 0
