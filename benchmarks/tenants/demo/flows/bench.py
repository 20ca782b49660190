"""What is measured: a flow of two turns, so that every turn writes state; a long one; one that waits; a form."""

import asyncio

from flows import Chat, Flow

order = Flow("order", phrases=["order"])
survey = Flow("survey", phrases=["survey"])
wait = Flow("wait", phrases=["wait"])
form = Flow("form", phrases=["form"])

ASKS = 1_000
FIELDS = 10


@order
async def take_order(chat: Chat) -> None:
    cups = await chat.ask("cups", "How many cups?", int)
    await chat.say(f"{cups} cups are on their way.")


@survey
async def ask_on_and_on(chat: Chat) -> None:
    for _ in range(ASKS):
        await chat.ask("number", "Next number?", int)
    await chat.say("Thank you.")


@wait
async def hold_the_session(chat: Chat) -> None:
    seconds = await chat.ask("seconds", "How long?", int)
    await chat.call(asyncio.sleep, seconds, timeout=60)
    await chat.say("Here I am again.")


@form
async def fill_in_for_ever(chat: Chat) -> None:
    for number in range(FIELDS):
        await chat.ask(f"field_{number}", f"What is number {number}?", int)
    await chat.continue_as(form)
