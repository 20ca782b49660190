"""`remember` and `flag`: what a person is known by, written when the turn is, and only then."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot
from storage.outcomes import Flag


async def greet(chat: Chat) -> None:
    name = await chat.flag("name")
    if name is None:
        name = await chat.ask("name", "Your name?")
        await chat.remember("name", name)
    visits = await chat.flag("visits", 0) + 1
    await chat.remember("visits", visits)
    await chat.say(f"Welcome, {name}, for the {visits}. time.")


async def test_what_was_remembered_is_known_in_the_next_conversation() -> None:
    talk = Conversation(bot_that(greet))
    assert await talk.say("go") == ["Your name?"]
    assert await talk.say("Ada") == ["Welcome, Ada, for the 1. time."]
    assert await talk.say("go") == ["Welcome, Ada, for the 2. time."]


async def test_storage_is_read_once_a_turn() -> None:
    talk = Conversation(bot_that(greet))
    talk.services.flags = {"name": Flag("name", "Ada")}
    await talk.say("go")
    assert talk.services.flags_read_count == 1


async def test_every_value_of_the_record_can_be_remembered_and_comes_back_the_same() -> None:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    value = {"when": when, "sum": Decimal("1.50"), "list": [1, None, "a"]}
    heard: list[Any] = []

    async def script(chat: Chat) -> None:
        heard.append(await chat.flag("all"))
        await chat.remember("all", value)
        heard.append(await chat.flag("all"))

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("go")
    assert heard == [None, value, value, value]


async def test_none_forgets() -> None:
    async def script(chat: Chat) -> None:
        await chat.remember("tea", None)
        await chat.say(f"{await chat.flag('tea', 'no tea')}")

    talk = Conversation(bot_that(script))
    talk.services.flags = {"tea": Flag("tea", "green")}
    assert await talk.say("go") == ["no tea"]
    assert talk.services.flags == {"tea": Flag("tea", None)}


async def test_a_flag_is_the_same_in_every_run_though_it_was_changed_meanwhile() -> None:
    async def script(chat: Chat) -> None:
        plan = await chat.flag("plan", "basic")
        more = await chat.ask("more", f"{plan}: more?")
        await chat.say(f"{plan}, {more}, now {await chat.flag('plan')}")

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == ["basic: more?"]
    talk.services.flags = {"plan": Flag("plan", "gold")}
    assert await talk.say("yes") == ["basic, yes, now gold"]


async def test_a_turn_that_fails_remembers_nothing_and_the_next_one_does() -> None:
    failing = [True]

    async def script(chat: Chat) -> None:
        await chat.ask("name", "Your name?")
        await chat.remember("known", True)
        await chat.call(asyncio.sleep, 0)
        if failing.pop():
            raise ZeroDivisionError
        await chat.say("ok")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert await talk.say("Ada") == [talk.bot.texts.apology]
    assert talk.services.flags == {}
    failing.append(False)
    assert await talk.say("Ada") == ["ok"]
    assert talk.services.flags == {"known": Flag("known", True)}


async def test_a_stopped_turn_remembers_nothing() -> None:
    async def script(chat: Chat) -> None:
        await chat.remember("known", True)
        talk.services.stopped.set()
        await chat.say("never")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    assert talk.services.flags == {}


async def test_killed_at_any_checkpoint_it_remembers_the_same() -> None:
    counted = Flow("counted", phrases=["count"])

    @counted
    async def count(chat: Chat) -> int:
        seen: int = await chat.flag("seen", 0)
        await chat.remember("seen", seen + 1)
        await chat.call(asyncio.sleep, 0)
        return seen

    main = Flow("main", phrases=["go"])

    @main
    async def script(chat: Chat) -> None:
        seen = await chat.enter(counted)
        await chat.remember("mine", seen)
        await chat.call(asyncio.sleep, 0)
        await chat.say(f"seen {seen}")

    for kill_at in ({1}, {2}, {3}, {4}):
        talk = Conversation(Bot([main, counted]))
        talk.services.flags = {"seen": Flag("seen", 7)}
        talk.services.kill_at = set(kill_at)
        assert await talk.say("go") == ["seen 7"]
        assert not talk.services.kill_at
        assert {name: flag.value for name, flag in talk.services.flags.items()} == {"seen": 8, "mine": 7}


async def test_what_a_flow_that_ended_remembered_survives_a_crash_in_the_one_below() -> None:
    below = Flow("below", phrases=["go"])
    above = Flow("above", phrases=["tell me"])

    @below
    async def ask(chat: Chat) -> None:
        await chat.ask("number", "Number?", int)

    @above
    async def learn(chat: Chat) -> None:
        number = await chat.ask("secret", "Secret?")
        await chat.remember("secret", number, sensitive=True)
        await chat.call(asyncio.sleep, 0)

    talk = Conversation(Bot([below, above]))
    await talk.say("go")
    await talk.say("tell me")
    talk.services.kill_at = {2}
    assert await talk.say("4711") == ["Number?"]
    assert talk.services.flags == {"secret": Flag("secret", "4711", sensitive=True)}


async def test_reading_a_sensitive_flag_seals_the_record_that_it_is_put_on() -> None:
    async def script(chat: Chat) -> None:
        iban = await chat.flag("iban")
        await chat.ask("sure", f"Is it still …{iban[-2:]}?")

    talk = Conversation(bot_that(script))
    talk.services.flags = {"iban": Flag("iban", "DE02", sensitive=True)}
    assert await talk.say("go") == ["Is it still …02?"]
    assert talk.outcome is not None
    assert talk.outcome.state is not None
    assert talk.outcome.state.sensitive


async def test_a_value_that_cannot_be_kept_fails_the_turn_with_the_verb_and_the_name() -> None:
    async def script(chat: Chat) -> None:
        await chat.remember("when", (1, 2))

    talk = Conversation(bot_that(script))
    assert await talk.say("go") == [talk.bot.texts.apology]
    assert str(talk.failure) == "remember when: a tuple cannot be recorded; make it a list"
