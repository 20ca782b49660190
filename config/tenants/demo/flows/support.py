"""Support: what the documents tell is told, and for the rest a person takes over."""

from datetime import timedelta

from flows import Chat, Flow
from flows.validators import text, yes_no

support = Flow(
    "support",
    description="Helps you with a problem, and brings a person if I cannot",
    phrases=["support", "I have a problem", "I want to complain", "file a complaint"],
    patterns=[r"\b(complain|complaint|problem)\b"],
    command="/support",
)

# How long somebody waits for a person before we offer to call back.
PATIENCE = timedelta(minutes=15)


@support
async def help_out(chat: Chat) -> None:
    problem = await chat.ask("problem", "I am sorry to hear that. What is the matter?", text(shortest=5))
    told = await chat.answer(problem, otherwise=None)
    if told:
        helped = await chat.ask("helped", "Does that help?", yes_no(), choices=["Yes", "No"])
        if helped:
            await chat.end("Glad to hear it.", resolved=True)

    await chat.say("Then let me bring a person. They see what we said, so you need not repeat it.")
    person = await chat.handoff(f"support: {problem}", timeout=PATIENCE)
    if person is None:
        phone = await chat.ask(
            "phone", "Everybody is busy just now, I am sorry. Which number may we call you back on?"
        )
        await chat.end(f"Thank you. We will call {phone} before tomorrow evening.", resolved=False)

    settled = await chat.ask(
        "settled",
        f"Has {person} settled the matter?",
        yes_no(),
        choices=["Yes", "No"],
        timeout=timedelta(days=1),
    )
    await chat.end(
        "Thank you for telling us." if settled else "We will look at it again and write to you.",
        resolved=settled,
    )
