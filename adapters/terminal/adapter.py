"""Sends replies to a terminal, as a delivery like any other platform's."""

from __future__ import annotations

from collections.abc import Callable

from adapters.contract import Delivery, Receipt
from adapters.errors import CannotLookUp
from adapters.terminal.render import render


class TerminalAdapter:
    """Writes each delivery with `write`, a function of one text."""

    platform = "terminal"

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    async def send(self, delivery: Delivery) -> Receipt:
        """Print it."""
        self._write(render(delivery.content, delivery.content_type))
        return Receipt(None)

    async def find(self, delivery: Delivery) -> Receipt | None:
        """A terminal keeps no record of what it showed."""
        raise CannotLookUp("a terminal keeps no record")
