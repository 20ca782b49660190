"""Tells when the shop is open: a flow that interrupts any other and hands back."""

from flows import Chat, Flow

hours = Flow(
    "hours",
    description="Tells when we are open",
    phrases=["opening hours"],
    patterns=[r"\bopen\b", r"\bclose\b"],
)


@hours
async def tell_hours(chat: Chat) -> None:
    await chat.say("We are open from Tuesday to Sunday, 7 to 18.")
