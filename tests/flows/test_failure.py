"""Turns that fail, are stopped, or find their state damaged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat
from flows.engine import give_up, run_turn
from flows.errors import FlowFailed
from storage.records import State, Turn


class Broken:
    """A flow that orders something and then fails as often as it is told to."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.orders: list[str] = []

    async def order(self, thing: str) -> str:
        self.orders.append(thing)
        return thing

    async def script(self, chat: Chat) -> None:
        thing = await chat.ask("thing", "What?")
        await chat.say("ordering")
        await chat.call(self.order, thing)
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError("secret")
        await chat.say("done")


async def test_a_flow_that_raises_apologises_and_goes_back_to_its_question() -> None:
    broken = Broken(1)
    talk = Conversation(bot_that(broken.script))
    await talk.say("go")
    before = talk.state
    assert await talk.say("tea") == [talk.bot.texts.apology]
    assert isinstance(talk.failure, ZeroDivisionError)
    assert talk.outcome is not None
    assert talk.outcome.error is not None
    assert "ZeroDivisionError in flow 'main' at " in talk.outcome.error
    assert "secret" not in talk.outcome.error
    assert talk.state.state_name == before.state_name


async def test_a_call_made_before_the_failure_is_not_made_again() -> None:
    broken = Broken(1)
    talk = Conversation(bot_that(broken.script))
    for text in ("go", "tea"):
        await talk.say(text)
    assert await talk.say("tea") == ["ordering", "done"]
    assert broken.orders == ["tea"]


async def test_with_another_answer_the_call_is_made_with_that() -> None:
    broken = Broken(1)
    talk = Conversation(bot_that(broken.script))
    for text in ("go", "tea", "milk"):
        await talk.say(text)
    assert broken.orders == ["tea", "milk"]


async def test_a_call_made_by_an_attempt_that_died_is_kept_when_the_next_one_fails() -> None:
    broken = Broken(1)
    talk = Conversation(bot_that(broken.script))
    await talk.say("go")
    talk.services.kill_at = {2}
    await talk.say("tea")
    await talk.say("tea")
    assert broken.orders == ["tea"]


async def test_a_flow_that_fails_at_once_leaves_nothing_under_way() -> None:
    async def script(chat: Chat) -> None:
        await chat.say("hello")
        raise SystemExit(3)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert talk.state.flow is None
    assert isinstance(talk.failure, SystemExit)


async def test_what_a_port_raises_comes_out_even_if_the_flow_catches_everything() -> None:
    class LeaseLost(Exception):
        pass

    async def script(chat: Chat) -> None:
        try:
            await chat.call(asyncio.sleep, 0)
        except Exception:
            await chat.say("never mind")

    talk = Conversation(bot_that(script))

    async def checkpoint(state: Any) -> None:
        raise LeaseLost

    talk.services.checkpoint = checkpoint  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        await talk.say("go")


async def test_a_cancelled_turn_is_cancelled() -> None:
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    async def script(chat: Chat) -> None:
        await chat.call(hang)

    talk = Conversation(bot_that(script))
    turn = asyncio.create_task(talk.say("go"))
    await started.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn


@pytest.mark.parametrize(
    "data", [{"format": 9}, {"format": 1, "frames": [{"flow": "main"}]}, {"format": 1, "frames": "x"}]
)
async def test_damaged_state_is_reported_and_the_message_routed_as_new(data: Any) -> None:
    async def script(chat: Chat) -> None:
        await chat.say("hello")
        await chat.call(asyncio.sleep, 0)

    talk = Conversation(bot_that(script))
    talk.state = State(3, "main", "1", "x#0", data)
    talk.services.kill_at = {1}
    assert await talk.say("go") == [talk.bot.texts.damaged, "hello"]
    assert talk.outcome is not None
    assert talk.outcome.damage


async def test_damage_that_storage_found_is_reported_too() -> None:
    talk = Conversation(bot_that(Broken(0).script))
    talk.state = State(damage="it could not be opened")
    assert await talk.say("go") == [talk.bot.texts.damaged, "What?"]
    assert talk.outcome is not None
    assert talk.outcome.damage == "it could not be opened"


async def test_a_checkpoint_of_another_entry_is_not_used() -> None:
    broken = Broken(0)
    talk = Conversation(bot_that(broken.script))
    await talk.say("go")
    stale = {"format": 1, "frames": [], "entry": "other", "consumed": True, "redact": False, "said": []}
    talk.state = replace(talk.state, checkpoint=stale)
    assert await talk.say("tea") == ["ordering", "done"]


async def test_a_damaged_checkpoint_falls_back_to_what_was_committed() -> None:
    talk = Conversation(bot_that(Broken(0).script))
    await talk.say("go")
    entry = talk.entry("tea")
    checkpoint = {"format": 1, "frames": [7], "entry": str(entry.id), "consumed": True}
    talk.state = replace(talk.state, checkpoint=checkpoint)
    assert [said.text for said in await talk.send(entry)] == ["ordering", "done"]


async def words(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def test_a_stream_is_shown_as_it_comes_and_said_as_one_message() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(stream=words("Hel", "lo"))
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["Hello", "More?"]
    assert talk.outcome is not None
    message = talk.outcome.replies[0]
    assert talk.services.deltas == [(message.id, 1, 1, "Hel"), (message.id, 1, 2, "lo")]
    await talk.say("x")
    assert len(talk.services.deltas) == 2


async def test_a_stream_goes_on_when_nobody_can_watch_it() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(stream=words("Hel", "lo"))

    talk = Conversation(bot_that(script))
    talk.services.redis_down = True
    assert await talk.say("go") == ["Hello"]


async def test_stop_ends_the_turn_with_what_was_said_so_far() -> None:
    closed: list[bool] = []

    async def endless() -> AsyncIterator[str]:
        try:
            yield "Once upon"
            talk.services.stopped.set()
            await asyncio.Event().wait()
            yield " a time"
        finally:
            closed.append(True)

    async def script(chat: Chat) -> None:
        await chat.ask("story", "Story?")
        await chat.say("Listen:")
        await chat.say(stream=endless())
        await chat.say("The end.")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("yes") == ["Listen:", "Once upon … (stopped)"]
    assert closed == [True]
    assert talk.state.state_name == "story#0"
    assert talk.outcome is not None
    assert (talk.outcome.reason, talk.outcome.error) == (None, None)


async def test_stop_during_a_call_keeps_its_result() -> None:
    calls: list[int] = []

    async def order() -> None:
        calls.append(1)
        talk.services.stopped.set()

    async def script(chat: Chat) -> None:
        await chat.ask("sure", "Sure?")
        await chat.call(order)
        await chat.say("done")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("yes") == []
    talk.services.stopped.clear()
    assert await talk.say("yes") == ["done"]
    assert calls == [1]


async def test_a_stream_that_breaks_is_the_flows_own_failure() -> None:
    async def breaking() -> AsyncIterator[str]:
        yield "Once"
        raise ConnectionError

    async def script(chat: Chat) -> None:
        try:
            await chat.say(stream=breaking())
        except ConnectionError:
            await chat.say("sorry")

    assert await Conversation(bot_that(script)).say("go") == ["sorry"]


async def test_text_that_no_store_takes_is_cleaned() -> None:
    async def script(chat: Chat) -> None:
        await chat.say("a\x00b\ud800c")

    assert await Conversation(bot_that(script)).say("go") == ["ab?c"]


async def test_too_many_entries_fail_the_turn_and_not_the_session() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("one", "One?")
        for _ in range(1001):
            await chat.memo("n", lambda: 1)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("x") == [talk.bot.texts.apology]
    assert await talk.say("cancel") == [talk.bot.texts.cancelled]


async def test_flow_failed_carries_the_cause() -> None:
    async def script(chat: Chat) -> None:
        raise KeyError("x")

    talk = Conversation(bot_that(script))
    with pytest.raises(FlowFailed) as caught:
        await run_turn(talk.bot, Turn(talk.session, 1, talk.entry("go"), State(), 0), talk.services)
    assert isinstance(caught.value.__cause__, KeyError)


async def test_a_turn_past_its_limit_fails_and_keeps_the_calls_it_made() -> None:
    broken = Broken(0)

    async def script(chat: Chat) -> None:
        await broken.script(chat)
        await asyncio.Event().wait()

    talk = Conversation(bot_that(script))
    await talk.say("go")
    turn = Turn(talk.session, 1, talk.entry("tea"), talk.state, 0)
    with pytest.raises(FlowFailed) as caught:
        await run_turn(talk.bot, turn, talk.services, limit_seconds=0.05)
    assert isinstance(caught.value.cause, TimeoutError)
    assert [said.text for said in talk.commit(caught.value.outcome)] == [talk.bot.texts.apology]
    turn = Turn(talk.session, 1, talk.entry("tea"), talk.state, 0)
    with pytest.raises(FlowFailed):
        await run_turn(talk.bot, turn, talk.services, limit_seconds=0.05)
    assert broken.orders == ["tea"]


async def test_a_time_out_of_the_flow_itself_is_its_own_failure() -> None:
    async def script(chat: Chat) -> None:
        raise TimeoutError("mine")

    talk = Conversation(bot_that(script))
    turn = Turn(talk.session, 1, talk.entry("go"), State(), 0)
    with pytest.raises(FlowFailed, match="TimeoutError in flow 'main'"):
        await run_turn(talk.bot, turn, talk.services, limit_seconds=60)


async def test_a_turn_that_is_given_up_keeps_the_calls_of_the_lost_attempts() -> None:
    broken = Broken(0)
    talk = Conversation(bot_that(broken.script))
    await talk.say("go")
    entry = replace(talk.entry("tea"), sealed=True)
    await run_turn(talk.bot, Turn(talk.session, 1, entry, talk.state, 0), talk.services)
    state = replace(talk.state, checkpoint=talk.services.checkpoints[-1].data)
    turn = Turn(talk.session, 1, entry, state, 0)
    outcome = give_up(talk.bot, turn, talk.services, "given up after 5 tries")
    assert outcome.error == "given up after 5 tries"
    assert outcome.redact_input
    assert [said.text for said in talk.commit(outcome)] == [talk.bot.texts.apology]
    assert await talk.say("tea") == ["ordering", "done"]
    assert broken.orders == ["tea"]


async def test_a_call_that_failed_is_made_again_when_the_person_tries_again() -> None:
    tries: list[int] = []

    async def order() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError
        return "ordered"

    async def script(chat: Chat) -> None:
        await chat.ask("sure", "Sure?")
        await chat.say(await chat.call(order))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("yes") == [talk.bot.texts.apology]
    assert await talk.say("yes") == ["ordered"]


async def test_an_error_while_the_flow_is_being_parked_does_not_unpark_it() -> None:
    async def script(chat: Chat) -> None:
        try:
            await chat.ask("one", "One?")
        finally:
            raise ZeroDivisionError

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["One?"]
