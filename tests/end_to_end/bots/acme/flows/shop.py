"""The flows of the end-to-end tests. What they call is outside: see tests/support/outside.py."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp

from flows import Chat, Flow, idempotency_key

echo = Flow("echo", default=True)
count = Flow("count", phrases=["count"])
order = Flow("order", phrases=["order"])
visit = Flow("visit", phrases=["visit"])
story = Flow("story", phrases=["story"])
colour = Flow("colour", phrases=["colour"])
vault = Flow("vault", phrases=["vault"])
pin = Flow("pin", phrases=["pin"])
diary = Flow("diary", phrases=["diary"], overlap="debounce", quiet=timedelta(seconds=0.5))


async def outside(name: str, key: str = "") -> str:
    headers = {"Idempotency-Key": key}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{os.environ['OUTSIDE_URL']}/calls/{name}", headers=headers) as answer,
    ):
        return str((await answer.json())["value"])


async def pay() -> str:
    return await outside("pay", idempotency_key())


async def confirm(number: str) -> str:
    return await outside("confirm", idempotency_key())


async def ring() -> str:
    return await outside("ring", idempotency_key())


async def told() -> AsyncIterator[str]:
    for n, piece in enumerate(("Once ", "upon ", "a time.")):
        yield piece
        await outside(f"piece-{n}")


@echo
async def say_it_again(chat: Chat) -> None:
    await chat.say(f"You said {chat.opening}")


@count
async def count_answers(chat: Chat) -> None:
    heard = "nothing"
    for n in range(200):
        heard = await chat.ask("word", f"{n}: {heard}")


@order
async def place_order(chat: Chat) -> None:
    await chat.say("I am ordering.")
    number = await chat.call(pay, timeout=60)
    await chat.say(stream=told())
    receipt = await chat.call(confirm, number, timeout=60)
    await chat.say(f"Receipt {receipt}.")


@visit
async def ring_the_bell(chat: Chat) -> None:
    await chat.say(f"Rang: {await chat.call(ring, timeout=60)}")


@story
async def tell_a_story(chat: Chat) -> None:
    await chat.say(stream=told())
    await chat.say("The end.")


@colour
async def ask_for_a_colour(chat: Chat) -> None:
    answer = await chat.ask("colour", "Which colour do you like?")
    await chat.say(f"You like {answer}.")


@vault
async def open_the_vault(chat: Chat) -> None:
    await chat.verify_otp()
    await chat.say("The vault is open.")


@vault.unverified
async def keep_the_vault_shut(chat: Chat) -> None:
    await chat.say("The vault stays shut.")


@pin
async def take_a_pin(chat: Chat) -> None:
    number = await chat.ask("pin", "Your secret number?", sensitive=True)
    again = await chat.ask("again", "And once more?", sensitive=True)
    await chat.say("They match." if number == again else "They differ.")


@diary
async def keep_a_diary(chat: Chat) -> None:
    day = await chat.ask("day", "What happened?")
    await chat.say(f"Kept: {day}")
