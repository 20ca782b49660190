"""One run of a flow's function over its frame: what is replayed, what is live, how it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from flows.errors import FlowMistake
from flows.exchange import Exchange, PortFailed
from flows.flow import Flow
from flows.gone import Gone
from flows.input import Input
from flows.record import SETTLED, Frame, Pending, Row, Status
from flows.signals import AskAgain, Interrupted, Misfit, Parked, Signal, Stopped
from flows.values import decode

T = TypeVar("T")


class Run:
    """The run's place in the record.

    `live` from the verb on at which the frame waits: nothing before it may be new. `speaking` from the
    verb on up to which the person has heard everything: nothing before it is said again. The two differ
    only after an expired value was asked for again.
    """

    __slots__ = (
        "_heard",
        "_pending",
        "calling",
        "closed",
        "digression",
        "exchange",
        "flow",
        "frame",
        "given",
        "known",
        "live",
        "mistake",
        "port_error",
        "signal",
        "speaking",
        "task",
        "used",
    )

    def __init__(self, exchange: Exchange, frame: Frame, flow: Flow, given: Input | None) -> None:
        self.exchange = exchange
        self.frame = frame
        self.flow = flow
        self.given = given
        self._pending = frame.pending.path if frame.pending else None
        self._heard = frame.heard
        self.live = frame.pending is None
        self.speaking = frame.heard is None
        self.signal: Signal | None = None
        self.mistake: FlowMistake | None = None
        self.port_error: Exception | None = None
        self.digression: Flow | None = None
        self.calling = False
        self.closed = False
        self.used = 0
        self.known = len(frame.rows)
        self.task = asyncio.current_task()
        frame.collapsed = {}

    def begin(self, verb: str) -> None:
        """What holds for every verb before it does anything."""
        if self.closed:
            raise FlowMistake(f"{verb}: this turn is over, a chat cannot be kept for later")
        if self.calling:
            raise self._fault(
                f"{verb}: a function that is called cannot talk; return a value and say it then"
            )
        if asyncio.current_task() is not self.task:
            raise self._fault(f"{verb}: verbs belong to the flow's own task; do not start tasks for them")
        if self.signal is not None:
            raise Parked
        if self.live and self.exchange.services.stopped.is_set():
            raise self.leave(Stopped())

    def find(self, path: str, kind: str) -> Row | None:
        """What the record has for a verb, or None if it is to be done now. Raises Misfit."""
        row = self.frame.rows.get(path)
        if row is not None and row.kind == kind and row.status in SETTLED:
            self.used += 1
            if path == self._pending:
                self.live = True
            if path == self._heard:
                self.speaking = True
            return row
        if self.live:
            return None
        waiting = self.frame.pending
        if waiting is None or waiting.path != path or waiting.kind != kind:
            raise self.leave(Misfit(f"{kind} {path} is not on record before {self._pending}"))
        self.live = True
        if path == self._heard:
            self.speaking = True
        return None

    def open(self, path: str) -> None:
        """A verb is done for the first time: what follows it has not been heard yet."""
        if not self.speaking and path != self._pending:
            self.speaking = True
            self.frame.heard = self._heard = path

    def take(self, path: str, label: str) -> Input | None:
        """The turn's input, if it was meant for this verb. After a restart the type must be the same."""
        waiting = self.frame.pending or self.frame.expected
        if self.given is None or waiting is None or waiting.path != path:
            return None
        if self.frame.pending is None and waiting.label != label:
            return None
        given, self.given = self.given, None
        return given

    def park(self, pending: Pending) -> Parked:
        """Wait at a verb; raise what this returns."""
        frame = self.frame
        if frame.pending is None or frame.pending.path != pending.path:
            frame.tries = 0
        frame.pending = pending
        frame.expected = None
        if self.speaking:
            frame.heard = pending.path
        parked = Parked()
        self.leave(parked)
        return parked

    def digress(self, flow: Flow) -> Parked:
        """Leave for another flow; this one waits where it waited."""
        self.digression = flow
        parked = Parked()
        self.leave(parked)
        return parked

    def leave(self, signal: Signal) -> Signal:
        """Remember the first signal, so that a flow that swallows it is left all the same."""
        if self.signal is None:
            self.signal = signal
        return signal

    async def port(self, answer: Awaitable[T]) -> T:
        """Await a port. Its failure ends the turn, not the flow: a flow must not catch it."""
        try:
            return await answer
        except PortFailed as failure:
            self.port_error = failure.error
            raise self.leave(Interrupted()) from failure

    def value(self, row: Row) -> Any:
        """What the verb returned. An ephemeral value may be gone."""
        if row.status is not Status.EPHEMERAL:
            return decode(row.value)
        name = self.ephemeral_name(row.path)
        kept = self.exchange.ephemeral or {}
        if name in kept:
            return decode(kept[name])
        return Gone(lambda: self._use_gone(row.path))

    def want(self, text: object) -> None:
        """A text that is really needed: asks again for one that is gone, refuses what is no text."""
        if isinstance(text, Gone):
            text.touch()
        if not isinstance(text, str):
            raise FlowMistake(f"a {type(text).__name__} is no text to say: write it as text")

    def ephemeral_name(self, path: str) -> str:
        return f"{self.frame.run}/{path}"

    def _use_gone(self, path: str) -> None:
        if self.live and self.signal is None:
            raise self.leave(AskAgain(path))

    def _fault(self, text: str) -> FlowMistake:
        self.mistake = FlowMistake(text)
        return self.mistake
