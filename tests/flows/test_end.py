"""`end`: the last word, the value for the flow around it, and what became of the person's matter."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot


def resolved(talk: Conversation) -> bool | None:
    assert talk.outcome is not None
    return talk.outcome.resolved


async def test_whether_it_is_resolved_goes_with_the_commit_of_that_turn_only() -> None:
    async def script(chat: Chat) -> None:
        helped = await chat.ask("helped", "Did that help?", bool)
        await chat.end("Thank you.", resolved=helped)

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert resolved(talk) is None
    assert await talk.say("no") == ["Thank you."]
    assert resolved(talk) is False
    await talk.say("go")
    assert resolved(talk) is None
    await talk.say("yes")
    assert resolved(talk) is True


async def test_an_end_without_a_word_on_it_says_nothing_of_it() -> None:
    async def script(chat: Chat) -> None:
        await chat.end("Bye.")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert resolved(talk) is None


async def test_an_entered_flow_may_say_so_too_and_the_last_word_counts() -> None:
    main, child = Flow("main", phrases=["go"]), Flow("child")

    @child
    async def ended(chat: Chat) -> None:
        await chat.end(value=1, resolved=True)

    @main
    async def around(chat: Chat) -> None:
        await chat.enter(child)
        await chat.ask("more", "Anything else?")
        await chat.end(resolved=False)

    talk = Conversation(Bot([main, child]))
    await talk.say("go")
    assert resolved(talk) is True
    await talk.say("yes")
    assert resolved(talk) is False


async def test_it_survives_a_crash_in_the_flow_below() -> None:
    below, above = Flow("below", phrases=["go"]), Flow("above", phrases=["above"])

    @below
    async def wait(chat: Chat) -> None:
        await chat.wait(for_=timedelta(hours=1))
        await chat.call(asyncio.sleep, 0)
        await chat.say("An hour has passed.")

    @above
    async def settle(chat: Chat) -> None:
        helped = await chat.ask("helped", "Did that help?", bool)
        await chat.remember("helped", helped)
        await chat.end(resolved=helped)

    for kill_at in ({1}, {2}):
        talk = Conversation(Bot([below, above]))
        await talk.say("go")
        await talk.say("above")
        talk.pass_time(timedelta(hours=2))
        talk.services.kill_at = set(kill_at)
        assert await talk.say("yes") == ["An hour has passed."]
        assert not talk.services.kill_at
        assert resolved(talk) is True
        assert talk.services.flags["helped"].value is True


async def test_a_version_that_does_not_fit_concludes_nothing() -> None:
    def bot(*versions: tuple[str, bool]) -> Bot:
        return Bot([version(number, early) for number, early in versions])

    def version(number: str, early: bool) -> Flow:
        flow = Flow("main", phrases=["go"], version=number)

        @flow
        async def script(chat: Chat) -> None:
            if early:
                await chat.end(resolved=True)
            await chat.ask("name", "Name?")
            await chat.ask("more", "More?")

        return flow

    talk = Conversation(bot(("1", False)))
    await talk.say("go")
    talk.bot = bot(("1", True), ("2", False))
    assert await talk.say("Ada") == ["More?"]
    assert resolved(talk) is None


async def test_a_turn_that_fails_after_it_concludes_nothing() -> None:
    main, child = Flow("main", phrases=["go"]), Flow("child")

    @child
    async def ended(chat: Chat) -> None:
        await chat.end(resolved=True)

    @main
    async def around(chat: Chat) -> None:
        await chat.enter(child)
        raise ZeroDivisionError

    talk = Conversation(Bot([main, child]))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert resolved(talk) is None
