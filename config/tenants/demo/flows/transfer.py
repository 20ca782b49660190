"""Sends money: to whom, how much, a look at it, a code, and once only."""

from decimal import Decimal

from flows import Card, Chat, Flow, Rejected, idempotency_key
from flows.validators import number, text, yes_no

transfer = Flow(
    "transfer",
    description="Sends money to somebody",
    phrases=["transfer", "send money", "make a transfer", "pay somebody"],
    patterns=[r"\b(transfer|send)\b.*\b(money|euros?)\b"],
    command="/transfer",
)

MOST = Decimal(2_000)


@transfer
async def send_money(chat: Chat) -> None:
    source = await chat.ask("source", "From which account?", choices=["Current", "Savings"])
    payee = await chat.ask("payee", "To whom?", text(shortest=2, longest=70))
    amount = await chat.ask("amount", "How much, in euros?", within_limit, help=f"At most €{MOST:,} a day.")
    await chat.say(
        "Please look at it once more:",
        card=Card("Transfer", fields=[("From", source), ("To", payee), ("Amount", f"€{amount:,.2f}")]),
    )
    if not await chat.ask("sure", "Shall I send it?", yes_no(), choices=["Yes", "No"]):
        await chat.end("I have sent nothing.")
    await chat.verify_otp()
    reference = await chat.call(send, source, payee, amount, final=True)
    await chat.say(f"€{amount:,.2f} are on their way to {payee}. Your reference is {reference}.")


@transfer.unverified
async def not_verified(chat: Chat) -> None:
    await chat.say("Without the code I cannot send money. Please call us on +44 1632 960961.")


def within_limit(answer: str) -> Decimal:
    amount = number(smallest=0)(answer)
    if not amount:
        raise Rejected("That is nothing. How much shall it be?")
    if amount > MOST:
        raise Rejected(f"That is more than the €{MOST:,} that you may send in a day.")
    return amount


async def send(source: str, payee: str, amount: Decimal) -> str:
    """A real bank would be asked with the key, so that the money is sent once."""
    return f"T-{idempotency_key()[:6].upper()}"
