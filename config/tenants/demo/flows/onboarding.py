"""Opens an account: a form of seven questions, a summary, and a yes."""

from collections.abc import Callable
from datetime import date

from flows import Card, Chat, Flow, Rejected, idempotency_key
from flows.validators import day, email, integer, pattern, text, yes_no

onboarding = Flow(
    "open_account",
    description="Opens an account with us, in about two minutes",
    phrases=["open an account", "open account", "I want to open an account", "sign up", "onboarding"],
    patterns=[r"\b(open|new)\b.*\baccount\b"],
    command="/open",
)

OLD_ENOUGH_YEARS = 18


@onboarding
async def open_account(chat: Chat) -> None:
    await chat.say('Let us open your account. Say "back" to change an answer, or "cancel" to stop.')

    name = await chat.ask("name", "What is your full name?", text(shortest=2, longest=100))
    born = await chat.ask("born", f"When were you born, {name.split()[0]}?", grown_up(chat.today))
    address = await chat.ask("email", "Where can we email you?", email())
    national_id = await chat.ask(
        "national_id",
        "What is the number on your identity card?",
        pattern(r"[A-Za-z0-9]{6,12}", "It has 6 to 12 letters and digits, without spaces."),
        help="We need it by law. It is encrypted and left out of this conversation's transcript.",
        sensitive=True,
    )
    income = await chat.ask("income", "What do you earn in a month, in euros?", integer(smallest=0))
    newsletter = await chat.ask(
        "newsletter", "May we send you our newsletter?", yes_no(), choices=["Yes", "No"]
    )

    summary = [("Name", name), ("Born", f"{born:%d %B %Y}"), ("Email", address), ("Income", f"€{income:,}")]
    await chat.say("Here is what I have:", card=Card("Your application", fields=summary))

    if not await chat.ask("confirm", "Is that right?", yes_no(), choices=["Yes", "No"]):
        await chat.end('Nothing was sent. Say "open an account" to begin again.')

    number = await chat.call(
        send_application, name, born, address, national_id, income, newsletter, final=True
    )
    await chat.say(f"Welcome, {name}! Your application has the number {number}.")


def grown_up(today: date) -> Callable[[str], date]:
    """A date of birth of somebody old enough."""
    latest = date(today.year - OLD_ENOUGH_YEARS, today.month, min(today.day, 28))

    def check(answer: str) -> date:
        born = day(earliest=date(1900, 1, 1), latest=today)(answer)
        if born > latest:
            raise Rejected(f"You must be {OLD_ENOUGH_YEARS} or older to open an account.")
        return born

    return check


async def send_application(
    name: str, born: date, address: str, national_id: str, income: int, newsletter: bool
) -> str:
    """A real bank would post this to its back office, with the key, so that it arrives once."""
    return f"A-{idempotency_key()[:6].upper()}"
