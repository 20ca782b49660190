"""Blocks a lost card: the first flow that the README builds."""

from flows import Chat, Flow
from flows.validators import pattern, yes_no

lost_card = Flow(
    "lost_card",
    description="Blocks a lost card",
    phrases=["I lost my card", "block my card"],
)


@lost_card
async def block_card(chat: Chat) -> None:
    digits = await chat.ask(
        "digits", "What are the card's last four digits?", pattern(r"\d{4}", "Four digits, such as 4321.")
    )
    sure = await chat.ask("sure", f"Shall I block the card {digits}?", yes_no(), choices=["Yes", "No"])
    if not sure:
        await chat.end("All right, the card stays as it is.")
    reference = await chat.call(block, digits, final=True)
    await chat.say(f"The card {digits} is blocked. Your reference is {reference}.")


async def block(digits: str) -> str:
    """The call to your bank goes here."""
    return f"B-{digits}"
