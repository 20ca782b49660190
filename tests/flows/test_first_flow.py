"""A first conversation, as the flow API's example has it."""

from __future__ import annotations

from flow_services import Conversation

from flows import Chat, Flow
from flows.bot import Bot


async def balance_of(account: str) -> str:
    return f"{len(account)}.00"


def banking() -> Bot:
    balance = Flow(
        "check_balance",
        description="Tells the balance of the user's account",
        phrases=["what is my balance", "how much money do I have"],
    )

    @balance
    async def check_balance(chat: Chat) -> None:
        account = await chat.ask("account", "Which account?", choices=["Current", "Savings"])
        await chat.verify_otp()
        amount = await chat.call(balance_of, account)
        await chat.say(f"Your {account} balance is {amount}.")

    return Bot([balance])


async def test_the_example_flow_tells_the_balance_after_a_code() -> None:
    talk = Conversation(banking())
    [question] = await talk.show("What is my BALANCE?")
    assert (question.text, question.labels) == ("Which account?", ("Current", "Savings"))
    assert await talk.say("savings") == ["I have sent a code to …0961. Please enter it here."]
    assert talk.outcome is not None
    [dispatch] = talk.outcome.dispatches
    assert (dispatch.address, "100001" in dispatch.content) == ("+441632960961", True)
    assert talk.state.state_name == "otp#0"
    assert await talk.say("100 001") == ["Your Savings balance is 7.00."]
    assert talk.outcome.redact_input
    assert talk.state.flow is None
    assert talk.state.data == {}
