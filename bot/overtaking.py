"""Ending a turn early: by Stop, or by a newer message where the flow that runs lets one."""

from __future__ import annotations

import asyncio


class Overtaking:
    """One turn's. `stopped` is set once it must end with what it has said so far."""

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self._yields = False
        self._newer = False

    def works_on(self, overlap: str) -> None:
        """A flow runs now; one that is interrupted ends at once where something newer has come."""
        self._yields = overlap == "interrupt"
        self._settle()

    def newer(self) -> None:
        """A message came after the one that this turn answers."""
        self._newer = True
        self._settle()

    def _settle(self) -> None:
        if self._yields and self._newer:
            self.stopped.set()
