"""A bank that sends money when somebody has said yes to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from flow_services import Conversation

from flows import Approval, CallFailed, Chat, Flow, asker, idempotency_key
from flows.bot import Bot
from flows.rehearsal.conversation import Said
from storage.approval_records import ApprovalStatus, Approvers


class Bank:
    """Its flow reads what it does from here, so that a test can change it between two messages."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, int]] = []
        self.keys: set[str] = set()
        self.heard: list[Approval] = []
        self.by: Approvers = asker
        self.shown = "Send €{amount}.00 to {payee}"
        self.function: Callable[[str, int], Awaitable[str]] = self.send
        self.fee = 0
        self.fails = 0
        self.question_before = ""
        self.question_after = ""

    async def send(self, payee: str, amount: int) -> str:
        self.sent.append((payee, amount))
        self.keys.add(idempotency_key())
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the bank does not answer")
        return f"R{len(self.sent)}"

    async def send_at_once(self, payee: str, amount: int) -> str:
        return await self.send(payee, amount)

    def flow(self, **settings: Any) -> Flow:
        transfer = Flow("transfer", phrases=["send"], **settings)

        @transfer
        async def script(chat: Chat) -> None:
            payee = await chat.ask("payee", "To whom?")
            amount = await chat.ask("amount", "How much?", int)
            if self.question_before:
                await chat.ask("before", self.question_before)
            shown = self.shown.format(amount=amount, payee=payee)
            order = (payee, amount + self.fee)
            yes = await chat.approve(shown, self.function, *order, by=self.by)
            self.heard.append(yes)
            if not yes:
                await chat.end(f"Nothing is sent ({yes.status}, {yes.reason}).")
            if self.question_after:
                await chat.ask("after", self.question_after)
            try:
                reference = await chat.call(self.function, *order, approval=yes)
            except CallFailed as failure:
                reference = failure.kind
            await chat.say(f"Sent: {reference}")

        return transfer


async def asked(bank: Bank, *more: Flow) -> tuple[Conversation, Said]:
    """A conversation that waits for a yes, and how it was asked for."""
    talk = Conversation(Bot([bank.flow(), *more]))
    await talk.say("send")
    await talk.say("Ada")
    return talk, (await talk.show("40"))[-1]


def statuses(talk: Conversation) -> list[ApprovalStatus]:
    """Of all approvals that were asked for, in order."""
    return [held.decision.status for held in talk.services.approvals.values()]
