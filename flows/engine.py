"""The flow engine: one pass over one inbox entry, from the state it finds to the outcome to commit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from flows.blame import where
from flows.bot import Bot
from flows.errors import FlowFailed, FlowMistake
from flows.exchange import Exchange
from flows.input import Input
from flows.onlooker import Onlooker
from flows.perform import End, Ending, perform
from flows.record import MADE, Damaged, Frame, read_frames
from flows.refit import lose, restart
from flows.routing import route
from flows.services import Services
from flows.signals import Continued
from flows.steering import Halt, correct, steer
from flows.timers import hand_down, ring, take_in, timers_of
from storage.records import EntryKind, NewMessage, Outcome, Turn

_log = structlog.get_logger("flows")

MOST_CONTINUATIONS = 100


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
    """One turn. `worked` are all frames that it touched, by run id."""

    def __init__(self, bot: Bot, turn: Turn, services: Services, onlooker: Onlooker | None = None) -> None:
        self.bot = bot
        self.turn = turn
        self.damage: str | None = None
        self.exchange = Exchange(bot, turn, services, self._committed(), onlooker)
        self.worked: dict[str, Frame] = {}
        self._continuations = 0

    async def run(self) -> Outcome:
        exchange = self.exchange
        if not self._take_up_checkpoint() and self.damage is not None:
            exchange.redact = self.turn.entry.sealed
            exchange.tell(self.bot.texts.damaged)
        self._retire()
        if exchange.consumed:
            await self._go_on(None)
        elif self.turn.entry.kind is EntryKind.TIMER:
            if (time_up := ring(self.turn.entry, exchange.frames)) is not None:
                await self._go_on(time_up)
        elif self.turn.entry.kind is EntryKind.EVENT:
            exchange.consumed = take_in(self.turn.entry, exchange.frames)
            if exchange.consumed:
                await self._go_on(None)
        else:
            given = await steer(exchange, route(self.bot, self.turn.entry, exchange.frames))
            if given is not Halt.HALT:
                await self._go_on(given)
        for frame in exchange.frames:
            frame.collapse()
        return self._outcome(exchange.frames, tuple(exchange.said))

    @property
    def top(self) -> Frame | None:
        return self.exchange.frames[-1] if self.exchange.frames else None

    def abandon(self, error: str) -> Outcome:
        """Apologise without running anything."""
        if self._take_up_checkpoint():
            self.worked = {frame.run: frame for frame in self.exchange.frames}
        self.exchange.redact = self.exchange.redact or self.turn.entry.sealed
        return self._apology(None, error)

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

    def _retire(self) -> None:
        """Drop frames whose flow is no longer registered."""
        exchange = self.exchange
        known = [frame for frame in exchange.frames if self.bot.registry.newest(frame.flow) is not None]
        if len(known) == len(exchange.frames):
            return
        _log.warning("flow_retired", flows=[frame.flow for frame in exchange.frames if frame not in known])
        if exchange.frames[-1] not in known:
            self._hide_answer_to(exchange.frames[-1])
        exchange.frames = known
        exchange.tell(self.bot.texts.retired)

    def _hide_answer_to(self, frame: Frame) -> None:
        """Keep what was meant for a sensitive ask out of the transcript, though that ask is gone."""
        if frame.pending is not None and frame.pending.sensitive and not self.exchange.consumed:
            self.exchange.redact = True

    def _continue(self, old: Frame, continued: Continued) -> None:
        """Put another flow in the place of one; nothing but the slots that it was given is left of that."""
        self._continuations += 1
        if self._continuations > MOST_CONTINUATIONS:
            raise self.failure(old, FlowMistake("continue_as again and again: ask something in between"))
        self.exchange.secretive |= old.sensitive
        self.exchange.push(continued.flow, old.opening)
        anew = self.exchange.frames[-1]
        anew.sensitive |= old.sensitive
        anew.slots, anew.origin, anew.events = continued.slots, old.origin or old.flow, old.events

    async def _go_on(self, given: Input | None) -> None:
        """Run the frame on top, then those below it as they come free, until one waits."""
        exchange = self.exchange
        while exchange.frames:
            frame, ending = await self._fit(exchange.frames[-1], given)
            given = None
            match ending.end:
                case End.PARKED:
                    exchange.settle()
                    if ending.unused > 0:
                        _log.debug("record_entries_unused", flow=frame.flow, count=ending.unused)
                    return
                case End.DIGRESSED if ending.digression is not None:
                    exchange.settle()
                    exchange.push(ending.digression, self.turn.entry.content)
                case End.CORRECTED if ending.corrected is not None:
                    exchange.fresh = []
                    given = correct(exchange, frame, *ending.corrected)
                case End.FINISHED | End.GAVE_UP:
                    exchange.settle()
                    if ending.end is End.GAVE_UP:
                        exchange.tell(self.bot.texts.gave_up)
                    ended = exchange.frames.pop()
                    hand_down(ended, exchange.frames)
                    exchange.secretive |= ended.sensitive
                    exchange.consumed = True
                case End.CONTINUED if ending.continued is not None:
                    exchange.settle()
                    self._continue(exchange.frames.pop(), ending.continued)
                case End.GONE:
                    exchange.fresh = []
                    lose(frame, ending.detail)
                case End.STOPPED:
                    exchange.settle()
                    exchange.forget()
                    exchange.frames = self._roll_back(None)
                    return
                case _:
                    raise self.failure(frame, ending.cause or RuntimeError(ending.end.name))

    async def _fit(self, frame: Frame, given: Input | None) -> tuple[Frame, Ending]:
        """Run the frame with the version of its flow that fits its record, else begin it anew."""
        exchange = self.exchange
        self.worked[frame.run] = frame
        for flow in self.bot.registry.candidates(frame.flow, frame.version):
            ending = await perform(exchange, frame, flow, given)
            if ending.end is not End.MISFIT:
                frame.version = flow.version
                return frame, ending
            exchange.fresh = []
            _log.warning("record_misfit", flow=flow.name, version=flow.version, reason=ending.detail)
        newest = self.bot.resolve(frame.flow)
        self._hide_answer_to(frame)
        try:
            anew, migrated = restart(frame, newest)
        except Exception as error:
            raise self.failure(frame, error) from error
        if not migrated:
            exchange.tell(self.bot.texts.restarted)
        exchange.frames[-1] = self.worked[frame.run] = anew
        return anew, await perform(exchange, anew, newest, given)

    def _roll_back(self, failed: Frame | None) -> list[Frame]:
        """The committed frames, with the calls that this turn made; without one that cannot go on."""
        frames = [] if self.damage is not None else read_frames(self.turn.state.data)
        for frame in frames:
            worked = self.worked.get(frame.run)
            if worked is not None:
                frame.carried.update(worked.carried)
                frame.ordinal = max(frame.ordinal, worked.ordinal)
                for row in worked.rows.values():
                    if row.path not in frame.rows and row.kind in MADE:
                        frame.carry(row)
        if failed is not None and failed.pending is None:  # begun anew: its old record fits no code
            return [frame for frame in frames if frame.run != failed.run]
        return frames

    def failure(self, frame: Frame | None, cause: BaseException) -> FlowFailed:
        flow = self.bot.registry.newest(frame.flow) if frame is not None else None
        failure = FlowFailed(cause, self._apology(frame, where(frame, flow, cause)))
        failure.__cause__ = cause
        return failure

    def _apology(self, failed: Frame | None, error: str) -> Outcome:
        exchange = self.exchange
        exchange.said, exchange.fresh, exchange.dispatches = [], [], []
        exchange.forget()
        exchange.tell(self.bot.texts.apology)
        return self._outcome(self._roll_back(failed), tuple(exchange.said), error=error)

    def _outcome(
        self, frames: list[Frame], replies: tuple[NewMessage, ...], *, error: str | None = None
    ) -> Outcome:
        return Outcome(
            replies=replies,
            state=self.exchange.state(frames),
            dispatches=tuple(self.exchange.dispatches),
            redact_input=self.exchange.redact,
            parked_for=self._patience(frames),
            reason=None if replies else "none",
            damage=self.damage,
            error=error,
            flags=tuple(self.exchange.flags.values()),
            resolved=self.exchange.resolved,
            timers=timers_of(frames),
        )

    def _patience(self, frames: list[Frame]) -> timedelta | None:
        flows = [self.bot.registry.newest(frame.flow) for frame in frames]
        patience = max((flow.patience for flow in flows if flow is not None), default=None)
        last = max((timer.due_at for timer in timers_of(frames)), default=None)
        if patience is None or last is None:
            return patience
        # Silence is no reason to close a session that will speak by itself.
        return patience + max(last - self.exchange.services.now(), timedelta())
