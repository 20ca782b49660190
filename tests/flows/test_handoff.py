"""A person takes a conversation over: the bot is silent, keeps what comes, and goes on afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flow_services import Conversation, Killed, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from flows.engine import give_up, run_turn
from flows.texts import Texts
from storage.records import EntryKind, Sender, Turn

HOUR = timedelta(hours=1)
TEXTS = Texts()


def complaint() -> Flow:
    flow = Flow("complaint", phrases=["complain"])

    @flow
    async def complain(chat: Chat) -> None:
        what = await chat.ask("what", "What is wrong?")
        await chat.say("I am fetching somebody.")
        person = await chat.handoff(f"complaint: {what}", timeout=HOUR)
        if person is None:
            await chat.end("Nobody is here today.")
        await chat.say(f"{person} has helped you, I hope.")

    return flow


def form() -> Flow:
    flow = Flow("form", phrases=["form"])

    @flow
    async def fill(chat: Chat) -> None:
        name = await chat.ask("name", "Your name?")
        colour = await chat.ask("colour", "Your colour?")
        await chat.say(f"{name} likes {colour}.")

    return flow


async def handed_over() -> Conversation:
    talk = Conversation(Bot([complaint(), form()]))
    await talk.say("complain")
    assert await talk.say("the price") == ["I am fetching somebody."]
    return talk


async def test_a_flow_gives_the_session_to_a_person_and_tells_why() -> None:
    talk = await handed_over()
    assert talk.session.in_handoff
    assert talk.session.owner is None
    assert talk.outcome is not None and talk.outcome.hand is not None
    assert talk.outcome.hand.reason == "complaint: the price"
    assert talk.state.state_name == "handoff#0"


@pytest.mark.parametrize("text", ["hello?", "cancel", "start over", "form", "a person", "what is it?"])
async def test_the_bot_is_silent_whatever_is_written_to_the_person(text: str) -> None:
    talk = await handed_over()
    before = talk.state
    assert await talk.say(text) == []
    assert talk.outcome is not None
    assert (talk.outcome.reason, talk.outcome.state) == ("handoff", None)
    assert talk.state == before


async def test_the_bot_is_silent_when_a_button_is_pressed() -> None:
    talk = await handed_over()
    assert await talk.press("flow:form") == []
    assert talk.session.in_handoff


async def test_what_an_operator_says_is_said_in_the_operators_name() -> None:
    talk = await handed_over()
    assert await talk.operate("reply", "ann", "How can I help?") == ["How can I help?"]
    assert talk.outcome is not None
    [message] = talk.outcome.replies
    assert (message.sender, talk.outcome.agent) == (Sender.AGENT, "ann")
    assert talk.session.owner == "ann"


async def test_the_flow_goes_on_when_the_person_gives_the_session_back() -> None:
    talk = await handed_over()
    await talk.operate("reply", "ann", "How can I help?")
    assert await talk.operate("resume", "ann") == ["ann has helped you, I hope."]
    assert not talk.session.in_handoff
    assert talk.session.owner is None
    assert talk.state.flow is None


async def test_the_flow_goes_on_without_a_person_when_nobody_came_in_time() -> None:
    talk = await handed_over()
    talk.pass_time(HOUR)
    assert await talk.ring() == ["Nobody is here today."]
    assert not talk.session.in_handoff


async def test_the_time_to_wait_for_a_person_is_over_once_one_has_come() -> None:
    talk = await handed_over()
    await talk.operate("reply", "ann", "Here I am.")
    talk.pass_time(2 * HOUR)
    assert await talk.ring() == []
    assert talk.session.in_handoff
    assert await talk.operate("resume", "ann") == ["ann has helped you, I hope."]


async def test_a_closed_session_has_nothing_under_way_any_more() -> None:
    talk = await handed_over()
    assert await talk.operate("close", "ann", resolved=True) == []
    assert talk.outcome is not None
    assert (talk.outcome.close, talk.outcome.resolved, talk.outcome.timers) == (True, True, ())
    assert talk.state.flow is None


async def test_a_person_is_asked_for_at_any_point_and_the_form_waits() -> None:
    talk = Conversation(Bot([form()]))
    await talk.say("form")
    await talk.say("Ada")
    assert await talk.say("a person") == [TEXTS.handed_over]
    assert talk.session.in_handoff
    assert await talk.say("blue") == []
    assert await talk.operate("resume", "ann") == [TEXTS.handed_back, "Your colour?"]
    assert await talk.say("blue") == ["Ada likes blue."]


async def test_where_nobody_takes_over_it_says_so_and_asks_again() -> None:
    talk = Conversation(Bot([form()], hands_over=False))
    await talk.say("form")
    assert await talk.say("human") == [TEXTS.no_person, "Your name?"]
    assert not talk.session.in_handoff


async def test_where_nobody_takes_over_a_flow_goes_on_at_once() -> None:
    talk = Conversation(Bot([complaint()], hands_over=False))
    await talk.say("complain")
    assert await talk.say("the price") == ["I am fetching somebody.", "Nobody is here today."]


async def test_a_bots_own_flow_answers_whoever_asks_for_a_person() -> None:
    own = Flow("repair_person")

    @own
    async def ask_first(chat: Chat) -> None:
        about = await chat.ask("about", "What is it about?")
        await chat.handoff(about)

    talk = Conversation(Bot([form(), own]))
    await talk.say("form")
    assert await talk.say("a person") == ["What is it about?"]
    await talk.say("money")
    assert talk.session.in_handoff
    assert await talk.operate("resume") == ["Your name?"]


async def test_a_timer_that_goes_off_meanwhile_counts_when_the_bot_goes_on() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("colour", "Your colour?", timeout=HOUR, otherwise="none")
        await chat.say("Done.")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("a person")
    talk.pass_time(2 * HOUR)
    assert await talk.ring() == []
    assert await talk.operate("resume") == [TEXTS.handed_back, "Done."]


async def test_an_event_that_comes_meanwhile_is_there_when_the_bot_goes_on() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(f"Paid {await chat.wait(event='paid')}.")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("a person")
    assert await talk.happen("paid", 5) == []
    assert await talk.operate("resume") == [TEXTS.handed_back, "Paid 5."]


async def test_a_session_that_another_took_is_not_given_back_by_the_first() -> None:
    talk = await handed_over()
    entry = talk.entry("", EntryKind.OPERATOR, {"action": "resume", "by": "ann"})
    talk.session = replace(talk.session, owner="bob")
    assert await talk.send(entry) == []
    assert talk.session.in_handoff
    assert talk.session.owner == "bob"


async def test_one_more_word_of_an_operator_who_gave_it_back_takes_it_again() -> None:
    talk = await handed_over()
    await talk.operate("resume", "ann")
    entry = talk.entry("", EntryKind.OPERATOR, {"action": "reply", "by": "ann", "text": "Bye!"})
    [said] = await talk.send(entry)
    assert said.text == "Bye!"
    assert talk.session.owner == "ann"


async def test_a_call_of_a_turn_that_a_person_cut_off_is_not_made_again() -> None:
    made: list[str] = []

    async def pay() -> str:
        made.append("paid")
        return "42"

    async def script(chat: Chat) -> None:
        await chat.ask("sure", "Sure?")
        number = await chat.call(pay)
        await chat.say(f"Receipt {number}.")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    entry = talk.entry("yes")
    talk.services.kill_at = {2}
    turn = Turn(talk.session, 1, entry, talk.state, 0)
    with pytest.raises(Killed):
        await run_turn(talk.bot, turn, talk.services)
    checkpoint = talk.services.checkpoints[-1].data
    # The operator came before the turn was run again.
    talk.session = replace(talk.session, in_handoff=True, owner="ann")
    talk.state = replace(talk.state, checkpoint=checkpoint)
    assert await talk.send(replace(entry, attempt=2)) == []
    assert await talk.operate("resume", "ann") == [TEXTS.handed_back, "Sure?"]
    assert await talk.say("yes") == ["Receipt 42."]
    assert made == ["paid"]


async def test_what_fails_after_the_bot_goes_on_is_told_and_leaves_the_session_with_it() -> None:
    async def script(chat: Chat) -> None:
        await chat.handoff("help")
        raise RuntimeError("broken")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.operate("resume") == [TEXTS.apology]
    assert not talk.session.in_handoff


async def test_an_entry_that_cannot_be_answered_brings_no_apology_while_a_person_talks() -> None:
    talk = await handed_over()
    turn = Turn(talk.session, 1, talk.entry("hello"), talk.state, 0)
    assert give_up(talk.bot, turn, talk.services, "unreadable").replies == ()


async def test_a_damaged_state_does_not_keep_an_operator_from_answering() -> None:
    talk = await handed_over()
    talk.state = replace(talk.state, data={"format": 99})
    assert await talk.operate("reply", "ann", "Hello") == ["Hello"]
    assert talk.outcome is not None and talk.outcome.damage is None
