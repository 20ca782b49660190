"""Orders a cake: choices with values, types with limits, an entered flow, a call that cannot be undone."""

from datetime import timedelta

from flows import CallFailed, Chat, Choice, Flow, idempotency_key
from flows.validators import day, integer, phone, text, yes_no

order = Flow(
    "order_cake",
    description="Orders a cake for a day of your choice",
    phrases=["order a cake", "I need a cake"],
    patterns=[r"\border\b.*\bcake\b"],
)
contact = Flow("contact")

CAKES = [
    Choice("Chocolate", "choc-01", also=("sachertorte", "the dark one")),
    Choice("Lemon tart", "lemon-07", also=("lemon",)),
]
PRICE_OF_A_SLICE = 4
DAYS_TO_BAKE = 2


@contact
async def ask_contact(chat: Chat) -> dict[str, str]:
    """What more than one flow needs is a flow of its own."""
    name = await chat.ask("name", "Your name?", text(shortest=2, longest=80))
    number = await chat.ask("phone", "And your phone number?", phone(), sensitive=True)
    return {"name": name, "phone": number}


@order
async def order_cake(chat: Chat) -> None:
    cake = await chat.ask("cake", "Which cake?", choices=CAKES)
    guests = await chat.ask("guests", "For how many?", integer(smallest=2, largest=40))
    # The clock differs from run to run: the day that the question was first asked is kept.
    today = await chat.memo("today", lambda: chat.today)
    wanted = await chat.ask("day", "For which day?", day(earliest=today + timedelta(days=DAYS_TO_BAKE)))
    person = await chat.enter(contact)

    price = guests * PRICE_OF_A_SLICE
    await chat.say(f"{cake} for {guests} on {wanted:%d %B}: €{price}.")
    if not await chat.ask("sure", "Shall I order it?", yes_no(), choices=["Yes", "No"]):
        await chat.end("All right, nothing is ordered.")
    try:
        number = await chat.call(bake, cake, guests, wanted, person, retries=2, final=True)
    except CallFailed:
        await chat.end("The bakery does not answer just now. Please call us on +44 1632 960100.")
    await chat.say(f"Thank you, {person['name']}. Your order is {number}.")


async def bake(cake: str, guests: int, wanted: object, person: dict[str, str]) -> str:
    """The bakery's own system goes here; with the key, an order that is sent again is the same order."""
    BOOK.setdefault(idempotency_key(), f"H-{len(BOOK) + 1}")
    return BOOK[idempotency_key()]


BOOK: dict[str, str] = {}
