"""Going back: later answers go, calls that were made stay made."""

from __future__ import annotations

from typing import Any

from flow_services import Conversation, bot_that

from flows import Chat, Flow
from flows.bot import Bot


class Shop:
    def __init__(self) -> None:
        self.orders: list[Any] = []

    async def price(self, thing: str) -> int:
        self.orders.append(thing)
        return len(thing)


def shopping(shop: Shop, **settings: Any) -> Bot:
    async def script(chat: Chat) -> None:
        thing = await chat.ask("thing", "What?")
        price = await chat.call(shop.price, thing, **settings)
        await chat.say(f"That is {price}.")
        count = await chat.ask("count", "How many?", int)
        name = await chat.ask("name", "Name?")
        await chat.say(f"{count} {thing} for {name}")

    return bot_that(script)


async def test_back_repeats_the_question_before_and_what_follows_it() -> None:
    talk = Conversation(shopping(Shop()))
    for text in ("go", "tea", "2"):
        await talk.say(text)
    assert await talk.say("back") == ["How many?"]
    assert await talk.say("Back") == ["What?"]
    assert await talk.say("milk") == ["That is 4.", "How many?"]
    assert await talk.say("5") == ["Name?"]
    assert await talk.say("Ada") == ["5 milk for Ada"]


async def test_a_call_with_the_same_arguments_is_not_made_again_after_back() -> None:
    shop = Shop()
    talk = Conversation(shopping(shop))
    for text in ("go", "tea", "back", "tea"):
        await talk.say(text)
    assert shop.orders == ["tea"]
    for text in ("back", "milk"):
        await talk.say(text)
    assert shop.orders == ["tea", "milk"]


async def test_back_at_the_first_question_says_so_and_repeats_it() -> None:
    talk = Conversation(shopping(Shop()))
    await talk.say("go")
    assert await talk.say("back") == [talk.bot.texts.nothing_before, "What?"]


async def test_back_past_a_final_call_is_refused() -> None:
    talk = Conversation(shopping(Shop(), final=True))
    for text in ("go", "tea", "2"):
        await talk.say(text)
    assert await talk.say("back") == ["How many?"]
    assert await talk.say("back") == [talk.bot.texts.that_is_done, "How many?"]
    assert await talk.say("3") == ["Name?"]


async def test_a_final_call_inside_a_flow_that_was_entered_holds_too() -> None:
    shop = Shop()
    child = Flow("child")

    @child
    async def inner(chat: Chat) -> None:
        await chat.call(shop.price, "x", final=True)

    main = Flow("main", phrases=["go"])

    @main
    async def outer(chat: Chat) -> None:
        await chat.ask("one", "One?")
        await chat.enter(child)
        await chat.ask("two", "Two?")

    talk = Conversation(Bot([main, child]))
    await talk.say("go")
    await talk.say("1")
    assert await talk.say("back") == [talk.bot.texts.that_is_done, "Two?"]
    assert shop.orders == ["x"]


async def test_a_call_inside_a_flow_that_was_entered_is_not_made_again_after_back() -> None:
    shop = Shop()
    child = Flow("child")

    @child
    async def inner(chat: Chat) -> None:
        await chat.say(str(await chat.call(shop.price, "x")))

    main = Flow("main", phrases=["go"])

    @main
    async def outer(chat: Chat) -> None:
        await chat.ask("one", "One?")
        await chat.enter(child)
        await chat.ask("two", "Two?")

    talk = Conversation(Bot([main, child]))
    await talk.say("go")
    await talk.say("1")
    assert await talk.say("back") == ["One?"]
    assert await talk.say("1") == ["1", "Two?"]
    assert shop.orders == ["x"]


async def test_back_after_the_code_asks_for_a_new_code() -> None:
    async def script(chat: Chat) -> None:
        await chat.ask("one", "One?")
        await chat.verify_otp()
        await chat.ask("two", "Two?")
        await chat.say("secret")

    talk = Conversation(bot_that(script))
    for text in ("go", "1", "100001"):
        await talk.say(text)
    assert await talk.say("back") == ["One?"]
    assert (await talk.say("1"))[0].startswith("I have sent a code")


async def test_with_nothing_under_way_back_shows_what_the_bot_can_do() -> None:
    talk = Conversation(shopping(Shop()))
    assert (await talk.say("back"))[0].startswith(talk.bot.texts.menu)
