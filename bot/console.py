"""Terminals: the console of a process, and the channel that each tenant's `parley chat` has."""

from __future__ import annotations

import sys

from adapters.contract import Delivery, Receipt
from adapters.errors import DeliveryFailed
from adapters.terminal.adapter import TerminalAdapter

_CHAT = "chat-"
_LEFT_TO_CHAT_S = 1.0


class Console(TerminalAdapter):
    """Prints what is sent to a terminal on stderr, but not what a chat waits for in its own terminal."""

    def __init__(self) -> None:
        super().__init__(lambda text: print(f"[console] {text}", file=sys.stderr, flush=True))

    async def send(self, delivery: Delivery) -> Receipt:
        """Print it. Raises DeliveryFailed for a chat's, which takes it itself while it is there."""
        if delivery.channel.account.startswith(_CHAT):
            raise DeliveryFailed("left to the chat", permanent=False, retry_after=_LEFT_TO_CHAT_S)
        return await super().send(delivery)


def chat_account(slug: str) -> str:
    """The account of the terminal channel through which a tenant's bot is talked to."""
    return f"{_CHAT}{slug}"
