"""`call` and `memo`: what happened outside is on record."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import CallFailed, Chat, idempotency_key
from flows.errors import FlowMistake


class Bank:
    """Counts what it is asked and fails as often as it is told to."""

    def __init__(self, failures: int = 0, error: type[Exception] = OSError) -> None:
        self.failures = failures
        self.error = error
        self.keys: list[str] = []

    async def ask(self, *question: Any) -> str:
        self.keys.append(idempotency_key())
        if len(self.keys) <= self.failures:
            raise self.error("the line is dead")
        return f"answer to {question}"


async def test_a_checkpoint_goes_out_before_the_call_and_after_it() -> None:
    seen: list[list[str]] = []

    async def look() -> str:
        seen.append(statuses(talk.services.checkpoints[-1].data))
        return "x"

    async def script(chat: Chat) -> None:
        await chat.ask("a", "A?")
        await chat.memo("b", lambda: 1)
        await chat.call(look)
        seen.append(statuses(talk.services.checkpoints[-1].data))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("yes")
    assert seen == [["ok", "ok", "started"], ["ok", "ok", "ok"]]


def statuses(data: Any) -> list[str]:
    return [row[5] for row in data["frames"][-1]["rows"]]


async def test_a_failed_call_raises_the_same_live_and_in_replay() -> None:
    bank = Bank(failures=9)
    raised: list[tuple[str, str]] = []

    async def script(chat: Chat) -> None:
        try:
            await chat.call(bank.ask)
        except CallFailed as failed:
            raised.append((failed.kind, failed.message))
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("x")
    assert raised == [("OSError", "the line is dead")] * 2
    assert len(bank.keys) == 1


async def test_a_call_is_retried_with_the_same_key() -> None:
    bank = Bank(failures=1)

    async def script(chat: Chat) -> None:
        await chat.say(await chat.call(bank.ask, 1, retries=1))

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["answer to (1,)"]
    assert len(bank.keys) == 2
    assert len(set(bank.keys)) == 1


async def test_a_permanent_failure_is_not_retried() -> None:
    class Refused(Exception):
        permanent = True

    bank = Bank(failures=9, error=Refused)

    async def script(chat: Chat) -> None:
        with pytest.raises(CallFailed):
            await chat.call(bank.ask, retries=5)

    await Conversation(bot_that(script)).say("go")
    assert len(bank.keys) == 1


async def test_a_call_that_does_not_answer_times_out() -> None:
    async def script(chat: Chat) -> None:
        with pytest.raises(CallFailed) as caught:
            await chat.call(asyncio.Event().wait, timeout=0.01)
        assert caught.value.kind == "timeout"
        await chat.say("gave up")

    assert await Conversation(bot_that(script)).say("go") == ["gave up"]


async def test_a_timeout_of_the_function_itself_is_its_own_failure() -> None:
    async def slow() -> None:
        raise TimeoutError("mine")

    async def script(chat: Chat) -> None:
        with pytest.raises(CallFailed) as caught:
            await chat.call(slow)
        assert (caught.value.kind, caught.value.message) == ("TimeoutError", "mine")
        await chat.say("ok")

    assert await Conversation(bot_that(script)).say("go") == ["ok"]


async def test_keys_differ_by_arguments_place_and_run() -> None:
    bank = Bank()

    async def script(chat: Chat) -> None:
        for argument in (1, 1, 2):
            await chat.call(bank.ask, argument)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("go")
    assert len(set(bank.keys)) == 6


async def test_a_plain_function_is_called_in_a_thread_with_its_key() -> None:
    async def script(chat: Chat) -> None:
        await chat.say(await chat.call(lambda: idempotency_key()[:0] + "fine"))

    assert await Conversation(bot_that(script)).say("go") == ["fine"]


def test_outside_a_call_there_is_no_key() -> None:
    with pytest.raises(FlowMistake, match=r"chat\.call"):
        idempotency_key()


@pytest.mark.parametrize("value", [(1, 2), object()])
async def test_a_result_that_cannot_be_recorded_names_the_verb(value: Any) -> None:
    async def give() -> Any:
        return value

    async def script(chat: Chat) -> None:
        await chat.call(give)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert "call give#0" in str(talk.failure)


async def test_a_memo_is_the_same_in_every_run() -> None:
    numbers = iter(range(100))

    async def script(chat: Chat) -> None:
        number = await chat.memo("number", lambda: next(numbers))
        await chat.ask("more", "More?")
        await chat.say(str(number))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("x") == ["0"]


async def test_a_called_function_cannot_talk_even_if_it_hides_the_error() -> None:
    async def script(chat: Chat) -> None:
        async def chatter() -> None:
            try:
                await chat.say("psst")
            except FlowMistake:
                return

        await chat.call(chatter)

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert "cannot talk" in str(talk.failure)


async def test_verbs_of_another_task_are_an_error() -> None:
    async def script(chat: Chat) -> None:
        await asyncio.gather(chat.say("a"), return_exceptions=True)
        await chat.say("b")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert "own task" in str(talk.failure)


async def test_a_chat_kept_for_later_is_refused() -> None:
    kept: list[Chat] = []

    async def script(chat: Chat) -> None:
        kept.append(chat)

    await Conversation(bot_that(script)).say("go")
    with pytest.raises(FlowMistake, match="over"):
        await kept[0].say("hello?")


async def test_a_blocking_function_that_never_ends_holds_up_nobody_else() -> None:
    stuck = threading.Event()

    async def script(chat: Chat) -> None:
        try:
            await chat.call(stuck.wait, name="stuck", timeout=0.02)
        except CallFailed as failed:
            await chat.say(failed.kind)
        # More of them than a shared pool of threads would have had.
        for number in range(40):
            try:
                await chat.call(stuck.wait, name=f"stuck{number}", timeout=0.001)
            except CallFailed:
                continue
        await chat.say(str(await chat.call(len, "four", name="free")))

    assert await Conversation(bot_that(script)).say("go") == ["timeout", "4"]
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("call "))
    stuck.set()


async def test_an_ask_inside_a_task_group_is_left_like_any_other() -> None:
    async def script(chat: Chat) -> None:
        async with asyncio.TaskGroup():
            name = await chat.ask("name", "Who are you?")
        await chat.say(f"Hello {name}")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["Who are you?"]
    assert await talk.say("Ada") == ["Hello Ada"]
