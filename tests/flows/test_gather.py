"""`gather`: calls side by side, each on record as it returns."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flow_services import Conversation, Killed, bot_that

from flows import CallFailed, Chat, idempotency_key
from flows.errors import FlowMistake


class Office:
    """Three departments; each answers only once all of those asked together have been asked."""

    def __init__(self, together: int = 3) -> None:
        self.calls: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.together = asyncio.Barrier(together)

    async def ask(self, name: str) -> str:
        self.calls[name] += 1
        self.keys.add(idempotency_key())
        return f"{name} {self.calls[name]}"

    async def meet(self, name: str) -> str:
        self.calls[name] += 1
        async with self.together:
            return name


async def test_calls_run_side_by_side_and_return_in_the_order_given() -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        found = await chat.gather(*(chat.call(office.meet, name) for name in ("stock", "price", "rating")))
        await chat.say(" ".join(found))

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["stock price rating"]


async def test_each_branch_has_a_scope_of_its_own_on_record_and_its_own_key() -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        await chat.gather(chat.call(office.ask, "a"), chat.call(office.ask, "a"))
        await chat.gather(chat.call(office.ask, "a"))
        await chat.ask("more", "More?")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    rows = talk.state.data["frames"][0]["rows"]
    assert sorted(row[1] + row[2] for row in rows) == [
        "gather#0/[0]/ask#0",
        "gather#0/[1]/ask#0",
        "gather#1/[0]/ask#0",
    ]
    assert len(office.keys) == 3


async def test_replay_calls_nothing_again() -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        one, two = await chat.gather(chat.call(office.ask, "one"), chat.call(office.ask, "two"))
        for word in ("first", "second"):
            await chat.ask(word, f"{one}, {two}: {word}?")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["one 1, two 1: first?"]
    assert await talk.say("x") == ["one 1, two 1: second?"]
    assert office.calls == {"one": 1, "two": 1}


async def test_a_branch_may_be_several_calls_after_one_another() -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        async def twice(name: str) -> str:
            first = await chat.call(office.ask, name)
            return f"{first}, {await chat.call(office.ask, name)}"

        await chat.say(str(await chat.gather(twice("a"), chat.call(office.ask, "b"))))

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["['a 1, a 2', 'b 1']"]


async def test_one_that_fails_raises_once_all_have_ended_live_and_in_replay() -> None:
    office = Office(2)
    others_done = []

    async def fail(name: str) -> None:
        async with office.together:
            raise LookupError(name)

    async def slow(name: str) -> str:
        await office.meet(name)
        await asyncio.sleep(0)
        others_done.append(name)
        return name

    async def script(chat: Chat) -> None:
        try:
            await chat.gather(chat.call(fail, "early"), chat.call(slow, "late"))
        except CallFailed as failure:
            await chat.ask("what", f"{failure.kind}, {others_done}: what now?")
            await chat.say(f"still {failure.kind}: {failure.message}")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["LookupError, ['late']: what now?"]
    assert await talk.say("wait") == ["still LookupError: early"]


@pytest.mark.parametrize("before_write", [False, True])
@pytest.mark.parametrize("kill_at", [{1}, {2}, {3}, {4}, {5}, {6}, {1, 2, 3, 4}])
async def test_killed_at_a_checkpoint_no_call_on_record_is_made_again(
    kill_at: set[int], before_write: bool
) -> None:
    office = Office()
    recorded: set[str] = set()

    async def ask(name: str) -> str:
        assert name not in recorded, "it was on record"
        return await office.ask(name)

    async def script(chat: Chat) -> None:
        async def after(name: str, *before: Callable[..., Any]) -> Any:
            for function in before:
                await chat.call(function)
            return await chat.call(ask, name)

        await chat.ask("start", "Start?")
        found = await chat.gather(after("a"), after("b", pause), after("c", pause, pause))
        await chat.say(" ".join(answer.split()[0] for answer in found))

    async def pause() -> None:
        await asyncio.sleep(0)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    written = talk.services.checkpoint

    async def checkpoint(state: Any) -> None:
        try:
            await written(state)
        except Killed:
            if before_write:
                raise
            note(state)
            raise
        note(state)

    def note(state: Any) -> None:
        rows = state.data["frames"][-1]["rows"]
        recorded.update(row[6].split()[0] for row in rows if row[2] == "ask#0" and row[5] == "ok")

    talk.services.checkpoint = checkpoint  # type: ignore[method-assign]
    talk.services.kill_at = kill_at
    assert await talk.say("yes") == ["a b c"]
    assert len(office.keys) == 3


async def test_checkpoints_are_joined_and_a_later_one_is_never_overtaken() -> None:
    office = Office(8)
    under_way = [0]
    sizes: list[int] = []

    async def script(chat: Chat) -> None:
        await chat.gather(*(chat.call(office.meet, str(n)) for n in range(8)))

    talk = Conversation(bot_that(script))

    async def checkpoint(state: Any) -> None:
        under_way[0] += 1
        assert under_way == [1]
        for _ in range(3):
            await asyncio.sleep(0)
        under_way[0] -= 1
        sizes.append(sum(row[5] == "ok" for row in state.data["frames"][0]["rows"]))

    talk.services.checkpoint = checkpoint  # type: ignore[method-assign]
    await talk.say("go")
    assert sizes == sorted(sizes)
    assert sizes[-1] == 8
    assert len(sizes) <= 5


@pytest.mark.parametrize("verb", ["say", "ask", "enter", "end", "remember", "gather"])
async def test_what_talks_inside_is_a_mistake_told_in_one_line(verb: str) -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        works = {
            "say": lambda: chat.say("psst"),
            "ask": lambda: chat.ask("name", "Name?"),
            "enter": lambda: chat.enter("main"),
            "end": lambda: chat.end(),
            "remember": lambda: chat.remember("x", 1),
            "gather": lambda: chat.gather(chat.call(office.ask, "x")),
        }
        await chat.gather(works[verb](), chat.call(office.ask, "y"))  # type: ignore[no-untyped-call]

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert str(talk.failure) == f"{verb}: inside gather only calls are made; do it after the gather"
    assert office.calls == {"y": 1}


async def test_a_called_function_cannot_talk_from_a_branch_either() -> None:
    async def script(chat: Chat) -> None:
        async def gossip() -> None:
            await chat.say("psst")

        await chat.gather(chat.call(gossip), chat.call(asyncio.sleep, 0))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert isinstance(talk.failure, FlowMistake)
    assert str(talk.failure).startswith("say: a function that is called cannot talk")


async def test_what_is_no_call_is_refused_and_the_others_are_not_begun() -> None:
    office = Office()

    async def script(chat: Chat) -> None:
        await chat.gather(chat.call(office.ask, "x"), "price")  # type: ignore[arg-type]

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert str(talk.failure).startswith("gather: argument 2 is a str, no call to be made; write chat.gather(")
    assert office.calls == {}


async def test_a_function_that_exits_fails_its_turn_and_not_the_process() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async def script(chat: Chat) -> None:
        await chat.gather(chat.call(leave), chat.call(asyncio.sleep, 0))

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert isinstance(talk.failure, SystemExit)


async def test_when_the_lease_is_lost_the_other_calls_are_ended() -> None:
    ended = asyncio.Event()

    class LeaseLost(Exception):
        pass

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def script(chat: Chat) -> None:
        await chat.gather(chat.call(hang, timeout=3600), chat.call(asyncio.sleep, 0))

    talk = Conversation(bot_that(script))
    count = [0]

    async def checkpoint(state: Any) -> None:
        count[0] += 1
        if count[0] == 3:
            raise LeaseLost

    talk.services.checkpoint = checkpoint  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        async with asyncio.timeout(10):
            await talk.say("go")
    assert ended.is_set()


async def test_a_cancelled_turn_cancels_its_branches() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def script(chat: Chat) -> None:
        await chat.gather(chat.call(hang))

    turn = asyncio.create_task(Conversation(bot_that(script)).say("go"))
    await begun.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert ended.is_set()


async def test_stop_lets_the_calls_under_way_end_and_keeps_them() -> None:
    office = Office()

    async def ask_and_stop(name: str) -> str:
        talk.services.stopped.set()
        return await office.ask(name)

    async def script(chat: Chat) -> None:
        await chat.ask("start", "Start?")
        await chat.gather(chat.call(ask_and_stop, "a"))
        await chat.say("done")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("yes") == []
    talk.services.stopped.clear()
    assert await talk.say("yes") == ["done"]
    assert office.calls == {"a": 1}
