"""Tells the balance of an account, once the person has shown who they are."""

from decimal import Decimal

from flows import Chat, Flow

balance = Flow(
    "check_balance",
    description="Tells you the balance of your account",
    phrases=["balance", "check my balance", "what is my balance", "how much money do I have"],
    patterns=[r"\bbalance\b"],
    command="/balance",
)

# A real bank would be asked over the network; the demo keeps its books here.
ACCOUNTS = {
    "Current": Decimal("1240.50"),
    "Savings": Decimal("18300.00"),
}


async def look_up(account: str) -> Decimal:
    return ACCOUNTS[account]


@balance
async def check_balance(chat: Chat) -> None:
    account = await chat.ask("account", "Which account?", choices=["Current", "Savings"])
    await chat.verify_otp()
    amount = await chat.call(look_up, account, retries=2)
    await chat.say(f"Your {account.lower()} account holds €{amount:,}.")


@balance.unverified
async def not_verified(chat: Chat) -> None:
    await chat.say("Without the code I cannot tell you a balance. Please call us on +44 1632 960961.")
