"""What is measured: a flow of two turns, so that every turn writes state, and one that asks a thousand times."""

from flows import Chat, Flow

order = Flow("order", phrases=["order"])
survey = Flow("survey", phrases=["survey"])

ASKS = 1_000


@order
async def take_order(chat: Chat) -> None:
    cups = await chat.ask("cups", "How many cups?", int)
    await chat.say(f"{cups} cups are on their way.")


@survey
async def ask_on_and_on(chat: Chat) -> None:
    for _ in range(ASKS):
        await chat.ask("number", "Next number?", int)
    await chat.say("Thank you.")
