"""One run of a flow's function over its frame: what is replayed, what is live, how it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from flows.errors import FlowMistake
from flows.exchange import Exchange, PortFailed
from flows.flow import Flow
from flows.gone import Gone
from flows.input import Input, Typed
from flows.record import SETTLED, Frame, Pending, Row, Status
from flows.repair import Place, corrected, correction
from flows.signals import AskAgain, Interrupted, Misfit, Parked, Signal, Stopped
from flows.values import decode

T = TypeVar("T")

# What needs no person and no order: it may stand in a branch of `gather`.
QUIET = frozenset({"call", "memo", "flag", "generate"})
# A full record with all that may be said around it stays far below; a loop that never waits does not.
MOST_VERBS = 10_000


class Run:
    """The run's place in the record.

    `live` from the verb on at which the frame waits: nothing before it may be new. `speaking` from the
    verb on up to which the person has heard everything: nothing before it is said again. The two differ
    only after an expired value was asked for again. `calling` are the tasks in which a function is being
    called, `branches` those of a `gather` with the scope of each.
    """

    __slots__ = (
        "_heard",
        "_pending",
        "branches",
        "calling",
        "closed",
        "correctable",
        "corrected",
        "correction",
        "digression",
        "exchange",
        "flow",
        "frame",
        "given",
        "known",
        "last_answer",
        "live",
        "mistake",
        "port_error",
        "signal",
        "speaking",
        "task",
        "used",
        "verbs",
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
        self.correction = correction(exchange.bot, given.text) if isinstance(given, Typed) else None
        self.correctable: list[Place] = []
        self.corrected: Place | None = None
        self.last_answer = ""
        self.calling: set[asyncio.Task[Any] | None] = set()
        self.branches: dict[asyncio.Task[Any] | None, str] = {}
        self.closed = False
        self.used = 0
        self.verbs = 0
        self.known = len(frame.rows)
        self.task = asyncio.current_task()
        frame.collapsed = {}

    def begin(self, verb: str) -> None:
        """What holds for every verb before it does anything."""
        if self.closed:
            raise FlowMistake(f"{verb}: this turn is over, a chat cannot be kept for later")
        task = asyncio.current_task()
        if self.calling and (task in self.calling or task not in self.branches):
            raise self._fault(
                f"{verb}: a function that is called cannot talk; return a value and say it then"
            )
        if task in self.branches:
            if verb not in QUIET:
                raise self._fault(f"{verb}: inside gather only calls are made; do it after the gather")
        elif task is not self.task:
            raise self._fault(f"{verb}: verbs belong to the flow's own task; do not start tasks for them")
        if self.signal is not None:
            raise Parked
        self.verbs += 1
        if self.verbs > MOST_VERBS:
            self.leave(Parked())
            raise self._fault(
                f"{verb}: {MOST_VERBS:,} verbs in one turn: the flow loops without waiting for anybody"
            )
        if self.exchange.onlooker is not None:
            self.exchange.onlooker.met(verb, live=self.live)
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
        frame.alarms = [alarm for alarm in frame.alarms if alarm.path == pending.path]
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

    def correctable_place(self, *, free_text: bool) -> Place | None:
        """The answered question that the message corrects; `free_text`: the one that waits takes any text."""
        return corrected(self.correction, self.correctable, self.last_answer, free_text=free_text)

    def correct(self, place: Place) -> Parked:
        """Leave so that an earlier answer is replaced; raise what this returns."""
        self.corrected = place
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
