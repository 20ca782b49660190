"""The flow engine: one pass over one inbox entry, from the state it finds to the outcome to commit."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from flows.awaited import is_decided
from flows.blame import where
from flows.bot import Bot
from flows.elsewhere import is_there_still, told_of_link
from flows.errors import FlowFailed
from flows.exchange import Exchange
from flows.handover import GoOn, Over, Silent, Spoken, stand_by
from flows.onlooker import Onlooker
from flows.outcome import outcome_of
from flows.record import Damaged, Frame, read_frames
from flows.routing import route
from flows.services import Services
from flows.stack import Broken, Stack
from flows.steering import Halt, steer
from flows.timers import ring, take_in
from storage.outcomes import Hand, NewMessage, Outcome
from storage.records import EntryKind, Turn

_log = structlog.get_logger("flows")


async def run_turn(
    bot: Bot,
    turn: Turn,
    services: Services,
    *,
    limit_seconds: float | None = None,
    onlooker: Onlooker | None = None,
) -> Outcome:
    """Answer one entry. Raises FlowFailed with an outcome to bury, and whatever a port raised.

    The same entry may be run again after a crash, with the checkpoint of the lost attempt in its state:
    its input is then not taken twice, and calls on record are not made again. A turn that takes longer
    than `limit_seconds` fails as a flow's own failure does, keeping the calls that it made.
    """
    engine = _Engine(bot, turn, services, onlooker)
    try:
        async with asyncio.timeout(limit_seconds) as limit:
            return await engine.run()
    except TimeoutError as error:
        if limit.expired():
            raise engine.failure(engine.top, error) from error
        raise


def give_up(bot: Bot, turn: Turn, services: Services, error: str) -> Outcome:
    """The outcome to bury a turn with that will not be tried again: an apology, and where to go on from.

    Calls that a lost attempt checkpointed are kept, so that they are not made again.
    """
    return _Engine(bot, turn, services).abandon(error)


def as_it_stands(bot: Bot, turn: Turn, services: Services) -> tuple[Outcome, bool]:
    """The outcome that changes nothing, and whether what waits for an answer waits for a secret."""
    engine = _Engine(bot, turn, services)
    pending = engine.top.pending if engine.top is not None else None
    outcome = engine._outcome(engine.exchange.frames, ())
    return outcome, pending is not None and pending.sensitive


class _Engine:
    """One turn."""

    def __init__(self, bot: Bot, turn: Turn, services: Services, onlooker: Onlooker | None = None) -> None:
        self.bot = bot
        self.turn = turn
        self.damage: str | None = None
        self._services, self._onlooker = services, onlooker
        self.exchange, self.stack = self._begin()

    async def run(self) -> Outcome:
        try:
            return await self._run()
        except Broken as broken:
            raise self.failure(broken.frame, broken.cause) from broken.cause

    async def _run(self) -> Outcome:
        if self.turn.session.in_handoff or self.turn.entry.kind is EntryKind.OPERATOR:
            return await self._stand_by()
        begun = self._take_up_checkpoint()
        taken_up = self.exchange.taken_up
        if taken_up is not None and not await is_there_still(self.exchange, taken_up):
            # What the lost attempt went on with went on elsewhere: the question is answered anew.
            self.exchange, self.stack = self._begin()
            begun = False
        exchange = self.exchange
        if not begun and self.damage is not None:
            exchange.redact = self.turn.entry.sealed
            exchange.tell(self.bot.texts.damaged)
        self.stack.retire()
        if exchange.consumed:
            await self.stack.go_on(None)
        elif self.turn.entry.kind is EntryKind.TIMER:
            if (time_up := ring(self.turn.entry, exchange.frames)) is not None:
                await self.stack.go_on(time_up)
        elif self.turn.entry.kind is EntryKind.EVENT:
            if not await told_of_link(exchange):
                exchange.consumed = take_in(self.turn.entry, exchange.frames)
            if exchange.consumed:
                await self.stack.go_on(None)
        elif self.turn.entry.kind is EntryKind.DECISION:
            exchange.consumed = is_decided(self.turn.entry, exchange.frames)
            if exchange.consumed:
                await self.stack.go_on(None)
        else:
            given = await steer(exchange, route(self.bot, self.turn.entry, exchange.frames))
            if given is not Halt.HALT:
                await self.stack.go_on(given)
        return self._finished()

    async def _stand_by(self) -> Outcome:
        """A person has the session, or an operator acts on it."""
        exchange = self.exchange
        begun = self._take_up_checkpoint()
        if begun:  # an attempt that was lost: the calls that it made count, and nothing else
            self.stack.worked = {frame.run: frame for frame in exchange.frames}
            exchange.said, exchange.consumed = [], False
            exchange.forget()
            exchange.frames = self.stack.roll_back(None)
        match stand_by(exchange):
            case GoOn(given):
                exchange.hand, exchange.consumed = Hand(to_person=False), True
                self.stack.retire()
                await self.stack.go_on(given)
                return self._finished()
            case Silent(changed):
                reason = "handoff" if self.turn.session.in_handoff else "none"
                outcome = replace(self._outcome(exchange.frames, ()), reason=reason)
                return outcome if changed or begun else replace(outcome, state=None, timers=None, damage=None)
            case Spoken(message, by):
                outcome = self._outcome(exchange.frames, (message,))
                return replace(outcome, agent=by, state=None, timers=None, damage=None)
            case Over(resolved):
                exchange.resolved, exchange.hand = resolved, Hand(to_person=False)
                return replace(self._outcome([], ()), close=True)

    def _finished(self) -> Outcome:
        self.stack.note()
        for frame in self.exchange.frames:
            frame.collapse()
        return self._outcome(self.exchange.frames, tuple(self.exchange.said))

    @property
    def top(self) -> Frame | None:
        return self.exchange.frames[-1] if self.exchange.frames else None

    def abandon(self, error: str) -> Outcome:
        """Apologise without running anything."""
        if self._take_up_checkpoint():
            self.stack.worked = {frame.run: frame for frame in self.exchange.frames}
        self.exchange.redact = self.exchange.redact or self.turn.entry.sealed
        return self._apology(None, error)

    def _begin(self) -> tuple[Exchange, Stack]:
        exchange = Exchange(self.bot, self.turn, self._services, self._committed(), self._onlooker)
        return exchange, Stack(exchange, self._committed)

    def _committed(self) -> list[Frame]:
        state = self.turn.state
        if state.damage is not None:
            self.damage = state.damage
            return []
        try:
            return read_frames(state.data)
        except Damaged as damaged:
            self.damage = str(damaged)
            return []

    def _take_up_checkpoint(self) -> bool:
        """Go on where a lost attempt of this entry was; False when there was none."""
        checkpoint = self.turn.state.checkpoint
        if checkpoint is None or checkpoint.get("entry") != str(self.turn.entry.id):
            return False
        try:
            frames = read_frames(checkpoint)
            self.exchange.resume(checkpoint)
        except (Damaged, KeyError, TypeError, ValueError):
            _log.warning("checkpoint_damaged", entry_id=str(self.turn.entry.id))
            self.exchange.said, self.exchange.consumed = [], False
            return False
        self.exchange.frames = frames
        return True

    def failure(self, frame: Frame | None, cause: BaseException) -> FlowFailed:
        flow = self.bot.registry.newest(frame.flow) if frame is not None else None
        failure = FlowFailed(cause, self._apology(frame, where(frame, flow, cause)))
        failure.__cause__ = cause
        return failure

    def _apology(self, failed: Frame | None, error: str) -> Outcome:
        exchange = self.exchange
        exchange.said, exchange.fresh, exchange.dispatches = [], [], []
        exchange.forget()
        if not self.turn.session.in_handoff or exchange.hand is not None:
            exchange.tell(self.bot.texts.apology)
        return self._outcome(self.stack.roll_back(failed), tuple(exchange.said), error=error)

    def _outcome(
        self, frames: list[Frame], replies: tuple[NewMessage, ...], *, error: str | None = None
    ) -> Outcome:
        self.stack.note()
        worked = self.stack.worked.values()
        return outcome_of(self.exchange, frames, replies, worked=worked, damage=self.damage, error=error)
