"""A loan application of seven steps, which may be taken up days later where it was left."""

from decimal import Decimal

from flows import Card, Chat, Flow, idempotency_key
from flows.validators import integer, number, text, yes_no

loan = Flow(
    "loan",
    description="Applies for a loan, in seven steps; you may go on another day",
    phrases=["loan", "I want a loan", "apply for a loan", "borrow money"],
    patterns=[r"\b(loan|borrow)\b"],
    command="/loan",
)

STEPS = 7
RATE = Decimal("0.049")
PURPOSES = ["A car", "Our home", "Studies", "Something else"]
JOBS = ["Employed", "Self-employed", "Retired", "Studying"]


def step(number: int, question: str) -> str:
    return f"Step {number}/{STEPS}: {question}"


@loan
async def apply_for_loan(chat: Chat) -> None:
    await chat.say(
        'Let us see what we can do. You may stop at any step and go on tomorrow; "back" goes one step back.'
    )

    purpose = await chat.ask("purpose", step(1, "What is the loan for?"), choices=PURPOSES)
    amount = await chat.ask(
        "amount",
        step(2, "How much would you like to borrow, in euros?"),
        integer(smallest=500, largest=50_000),
        help="From 500 to 50,000 euros, without cents.",
    )
    months = await chat.ask("months", step(3, "Over how many months?"), integer(smallest=6, largest=120))
    job = await chat.ask("job", step(4, "What do you do?"), choices=JOBS)
    income = await chat.ask(
        "income", step(5, "What do you earn in a month, after taxes?"), number(smallest=0), sensitive=True
    )
    debts = await chat.ask(
        "debts",
        step(6, "What do you pay back for other loans each month?"),
        number(smallest=0),
        sensitive=True,
    )
    name = await chat.ask("name", step(7, "What is your full name?"), text(shortest=2, longest=100))

    rate = monthly_rate(amount, months)
    if rate > (income - debts) / 2:
        await chat.end(
            f"€{rate:,} a month would be more than half of what you have left, and that is more than we may lend. "
            'Say "loan" to try another amount.'
        )
    offer = [
        ("For", purpose),
        ("Amount", f"€{amount:,}"),
        ("Months", str(months)),
        ("Each month", f"€{rate:,}"),
    ]
    await chat.say("This is our offer:", card=Card("Your loan", fields=offer))
    if not await chat.ask("accept", "Do you accept it?", yes_no(), choices=["Yes", "No"]):
        await chat.end("No harm done. The offer is gone, and nothing was kept of it at the back office.")

    await chat.verify_otp()
    reference = await chat.call(send_to_back_office, name, purpose, job, amount, months, final=True)
    await chat.say(
        f"Done, {name}. Your application {reference} is with our back office, which answers within two days."
    )


@loan.unverified
async def not_verified(chat: Chat) -> None:
    await chat.say("Without the code I cannot send your application. Please call us on +44 1632 960961.")


def monthly_rate(amount: int, months: int) -> Decimal:
    """What is paid back each month, the interest by simple reckoning."""
    interest = amount * RATE * months / 12
    return ((amount + interest) / months).quantize(Decimal("0.01"))


async def send_to_back_office(name: str, purpose: str, job: str, amount: int, months: int) -> str:
    """A real bank would post this, with the key, so that it arrives once."""
    return f"L-{idempotency_key()[:6].upper()}"
