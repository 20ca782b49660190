"""The flow engine: one pass over one inbox entry, from the state it finds to the outcome to commit."""

from __future__ import annotations

import asyncio
import traceback
from datetime import timedelta
from typing import assert_never

import structlog

from flows.bot import Bot
from flows.errors import FlowFailed
from flows.exchange import Exchange
from flows.flow import Flow
from flows.input import Input, Puzzled
from flows.menu import menu
from flows.perform import End, Ending, perform
from flows.record import Damaged, Frame, read_frames
from flows.refit import lose, restart, step_back
from flows.routing import Expired, Menu, Nothing, Offer, Order, Route, Start, route
from flows.services import Services
from storage.records import NewMessage, Outcome, Turn

_log = structlog.get_logger("flows")


async def run_turn(
    bot: Bot, turn: Turn, services: Services, *, limit_seconds: float | None = None
) -> Outcome:
    """Answer one entry. Raises FlowFailed with an outcome to bury, and whatever a port raised.

    The same entry may be run again after a crash, with the checkpoint of the lost attempt in its state:
    its input is then not taken twice, and calls on record are not made again. A turn that takes longer
    than `limit_seconds` fails as a flow's own failure does, keeping the calls that it made.
    """
    engine = _Engine(bot, turn, services)
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


class _Engine:
    """One turn. `worked` are all frames that it touched, by run id."""

    def __init__(self, bot: Bot, turn: Turn, services: Services) -> None:
        self.bot = bot
        self.turn = turn
        self.damage: str | None = None
        self.exchange = Exchange(bot, turn, services, self._committed())
        self.worked: dict[str, Frame] = {}

    async def run(self) -> Outcome:
        exchange = self.exchange
        if not self._take_up_checkpoint() and self.damage is not None:
            exchange.redact = self.turn.entry.sealed
            exchange.tell(self.bot.texts.damaged)
        self._retire()
        if exchange.consumed:
            await self._go_on(None)
        else:
            await self._follow(route(self.bot, self.turn.entry, exchange.frames))
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

    async def _follow(self, chosen: Route) -> None:
        exchange = self.exchange
        match chosen:
            case Offer(given):
                await self._go_on(given)
            case Start(flow, opening):
                self._push(flow, opening)
                await self._go_on(None)
            case Order(name):
                await self._obey(name)
            case Menu():
                exchange.say(menu(self.bot, understood=False))
                exchange.settle()
            case Expired():
                exchange.consumed = True
                exchange.tell(self.bot.texts.expired)
                await self._go_on(None)
            case Nothing():
                return
            case _:
                assert_never(chosen)

    async def _obey(self, order: str) -> None:
        """Carry out a global command."""
        exchange, texts = self.exchange, self.bot.texts
        exchange.consumed = True
        frames = exchange.frames
        match order:
            case "help" if frames:
                await self._go_on(Puzzled())
            case "help":
                exchange.say(menu(self.bot, understood=True))
                exchange.settle()
            case "cancel" if frames:
                frames.pop()
                exchange.tell(texts.cancelled)
                await self._go_on(None)
            case "cancel":
                exchange.tell(texts.nothing_to_cancel)
            case "start_over" if frames:
                old = frames.pop()
                exchange.tell(texts.started_over)
                self._push(self.bot.resolve(old.flow), old.opening)
                await self._go_on(None)
            case "back" if frames:
                refusal = step_back(frames[-1])
                if refusal is not None:
                    exchange.tell(texts.that_is_done if refusal == "that_is_done" else texts.nothing_before)
                await self._go_on(None)
            case _:
                exchange.say(menu(self.bot, understood=True))
                exchange.settle()

    def _push(self, flow: Flow, opening: str) -> None:
        run = self.exchange.services.new_id().hex
        frame = Frame(flow.name, flow.version, run, opening=opening, sensitive=flow.sensitive)
        self.exchange.frames.append(frame)
        self.exchange.consumed = True

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
                    self._push(ending.digression, self.turn.entry.content)
                case End.FINISHED | End.GAVE_UP:
                    exchange.settle()
                    if ending.end is End.GAVE_UP:
                        exchange.tell(self.bot.texts.gave_up)
                    exchange.secretive |= exchange.frames.pop().sensitive
                    exchange.consumed = True
                case End.GONE:
                    exchange.fresh = []
                    lose(frame, ending.detail)
                case End.STOPPED:
                    exchange.settle()
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
                    if row.path not in frame.rows:
                        frame.carry(row)
        if failed is not None and failed.pending is None:  # begun anew: its old record fits no code
            return [frame for frame in frames if frame.run != failed.run]
        return frames

    def failure(self, frame: Frame | None, cause: BaseException) -> FlowFailed:
        failure = FlowFailed(cause, self._apology(frame, _where(frame, cause)))
        failure.__cause__ = cause
        return failure

    def _apology(self, failed: Frame | None, error: str) -> Outcome:
        exchange = self.exchange
        exchange.said, exchange.fresh, exchange.dispatches = [], [], []
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
        )

    def _patience(self, frames: list[Frame]) -> timedelta | None:
        flows = [self.bot.registry.newest(frame.flow) for frame in frames]
        return max((flow.patience for flow in flows if flow is not None), default=None)


def _where(frame: Frame | None, cause: BaseException) -> str:
    """What failed and where, without the exception's text: that may hold what a person said."""
    place = traceback.extract_tb(cause.__traceback__)
    line = f" at {place[-1].filename}:{place[-1].lineno}" if place else ""
    return f"{type(cause).__name__} in flow {frame.flow if frame else None!r}{line}"
