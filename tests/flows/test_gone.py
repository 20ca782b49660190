"""An ephemeral answer that expired: silent in replay, asked for again when it is needed."""

from __future__ import annotations

from typing import Any

import pytest
from flow_services import Conversation, bot_that

from flows import Chat, Gone


async def pay(pin: str, amount: str) -> str:
    return f"paid {amount} with {pin}"


async def paying(chat: Chat) -> None:
    pin = await chat.ask("pin", "PIN?", ephemeral=True)
    await chat.say(f"Thank you for {pin}.")
    amount = await chat.ask("amount", "Amount?")
    await chat.say(f"Paying {amount}.")
    await chat.say(await chat.call(pay, pin, amount))


async def test_a_value_that_expired_is_asked_again_only_when_it_is_used() -> None:
    talk = Conversation(bot_that(paying))
    await talk.say("go")
    assert await talk.say("1") == ["Thank you for 1.", "Amount?"]
    talk.services.ephemeral = {}
    assert await talk.say("50") == ["PIN?"]
    assert await talk.say("2") == ["Paying 50.", "paid 50 with 2"]
    assert talk.state.flow is None


async def test_a_value_may_expire_again_while_it_is_asked_again() -> None:
    talk = Conversation(bot_that(paying))
    await talk.say("go")
    await talk.say("1")
    talk.services.ephemeral = {}
    await talk.say("50")
    await talk.say("help")
    assert await talk.say("2") == ["Paying 50.", "paid 50 with 2"]


async def test_back_while_a_value_is_asked_again_goes_to_the_ask_before_it() -> None:
    async def script(chat: Chat) -> None:
        name = await chat.ask("name", "Name?")
        pin = await chat.ask("pin", "PIN?", ephemeral=True)
        await chat.ask("amount", "Amount?")
        await chat.say(f"{name} {pin}")

    talk = Conversation(bot_that(script))
    for text in ("go", "Ada", "1"):
        await talk.say(text)
    talk.services.ephemeral = {}
    assert await talk.say("50") == ["PIN?"]
    assert await talk.say("back") == ["Name?"]


async def test_with_redis_down_the_value_lasts_for_the_turn() -> None:
    async def script(chat: Chat) -> None:
        pin = await chat.ask("pin", "PIN?", ephemeral=True)
        await chat.say(pin)
        await chat.ask("more", "More?")
        await chat.say("done")

    talk = Conversation(bot_that(script))
    await talk.say("go")
    talk.services.redis_down = True
    assert await talk.say("1") == ["1", "More?"]
    assert await talk.say("x") == ["done"]


@pytest.mark.parametrize(
    "use",
    [
        str, bool, len, list, int, float, hash,
        lambda v: f"{v}", lambda v: v == 1, lambda v: v + 1, lambda v: 1 + v, lambda v: v < 1,
        lambda v: v["a"], lambda v: v.upper(), lambda v: "a" in v,
    ],
)  # fmt: skip
def test_every_use_of_a_gone_value_is_noticed(use: Any) -> None:
    used: list[int] = []
    use(Gone(lambda: used.append(1)))
    assert used


@pytest.mark.parametrize("use", ["say", "call", "nested", "prompt"])
async def test_passing_a_gone_value_to_a_verb_asks_again(use: str) -> None:
    async def script(chat: Chat) -> None:
        pin = await chat.ask("pin", "PIN?", ephemeral=True)
        await chat.ask("more", "More?")
        match use:
            case "say":
                await chat.say(pin)
            case "prompt":
                await chat.ask("last", pin)
            case "nested":
                await chat.call(echo, {"pins": [pin]})
            case _:
                await chat.call(echo, pin)

    async def echo(value: Any) -> Any:
        return value

    talk = Conversation(bot_that(script))
    await talk.say("go")
    await talk.say("1")
    talk.services.ephemeral = {}
    assert await talk.say("x") == ["PIN?"]
