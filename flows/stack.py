"""The stack of flows under way: run from the top until one waits, and rolled back where a turn comes to nothing."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from flows.elsewhere import follow
from flows.errors import FlowMistake
from flows.exchange import Exchange
from flows.input import Input
from flows.perform import End, Ending, perform
from flows.record import MADE, Frame
from flows.refit import lose, restart
from flows.signals import Continued
from flows.steering import correct
from flows.timers import hand_down

_log = structlog.get_logger("flows")

MOST_CONTINUATIONS = 100


class Broken(Exception):
    """A flow failed: its frame, and what it raised."""

    def __init__(self, frame: Frame, cause: BaseException) -> None:
        super().__init__(repr(cause))
        self.frame = frame
        self.cause = cause


class Stack:
    """One turn's frames. `worked` are all that it touched, by run id.

    `roll_back_to` gives the frames as they were last committed.
    """

    def __init__(self, exchange: Exchange, roll_back_to: Callable[[], list[Frame]]) -> None:
        self.exchange = exchange
        self.worked: dict[str, Frame] = {}
        self._roll_back_to = roll_back_to
        self._continuations = 0

    async def go_on(self, given: Input | None) -> None:
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
                    exchange.push(ending.digression, exchange.turn.entry.content)
                case End.CORRECTED if ending.corrected is not None:
                    exchange.fresh = []
                    given = correct(exchange, frame, *ending.corrected)
                case End.FINISHED | End.GAVE_UP:
                    exchange.settle()
                    if ending.end is End.GAVE_UP:
                        exchange.tell(self.exchange.bot.texts.gave_up)
                    ended = exchange.frames.pop()
                    hand_down(ended, exchange.frames)
                    exchange.note_frame(ended)
                    exchange.secretive |= ended.sensitive
                    exchange.consumed = True
                case End.CONTINUED if ending.continued is not None:
                    exchange.settle()
                    self._continue(exchange.frames.pop(), ending.continued)
                case End.ELSEWHERE if ending.elsewhere is not None:
                    exchange.settle()
                    await follow(exchange, ending.elsewhere)
                case End.GONE:
                    exchange.fresh = []
                    lose(frame, ending.detail)
                case End.STOPPED:
                    exchange.settle()
                    exchange.forget()
                    exchange.frames = self.roll_back(None)
                    return
                case _:
                    raise Broken(frame, ending.cause or RuntimeError(ending.end.name))

    async def _fit(self, frame: Frame, given: Input | None) -> tuple[Frame, Ending]:
        """Run the frame with the version of its flow that fits its record, else begin it anew."""
        exchange = self.exchange
        self.worked[frame.run] = frame
        for flow in self.exchange.bot.registry.candidates(frame.flow, frame.version):
            ending = await perform(exchange, frame, flow, given)
            if ending.end is not End.MISFIT:
                frame.version = flow.version
                return frame, ending
            exchange.fresh = []
            _log.warning("record_misfit", flow=flow.name, version=flow.version, reason=ending.detail)
        newest = self.exchange.bot.resolve(frame.flow)
        self._hide_answer_to(frame)
        try:
            anew, migrated = restart(frame, newest)
        except Exception as error:
            raise Broken(frame, error) from error
        if not migrated:
            exchange.tell(self.exchange.bot.texts.restarted)
        exchange.frames[-1] = self.worked[frame.run] = anew
        return anew, await perform(exchange, anew, newest, given)

    def _continue(self, old: Frame, continued: Continued) -> None:
        """Put another flow in the place of one; nothing but the slots that it was given is left of that."""
        self._continuations += 1
        if self._continuations > MOST_CONTINUATIONS:
            raise Broken(old, FlowMistake("continue_as again and again: ask something in between"))
        self.exchange.note_frame(old)
        self.exchange.secretive |= old.sensitive
        self.exchange.push(continued.flow, old.opening)
        anew = self.exchange.frames[-1]
        anew.sensitive |= old.sensitive
        anew.slots, anew.origin, anew.events = continued.slots, old.origin or old.flow, old.events

    def retire(self) -> None:
        """Drop frames whose flow is no longer registered."""
        exchange = self.exchange
        known = [
            frame for frame in exchange.frames if self.exchange.bot.registry.newest(frame.flow) is not None
        ]
        if len(known) == len(exchange.frames):
            return
        _log.warning("flow_retired", flows=[frame.flow for frame in exchange.frames if frame not in known])
        if exchange.frames[-1] not in known:
            self._hide_answer_to(exchange.frames[-1])
        exchange.frames = known
        exchange.tell(self.exchange.bot.texts.retired)

    def _hide_answer_to(self, frame: Frame) -> None:
        """Keep what was meant for a sensitive ask out of the transcript, though that ask is gone."""
        if frame.pending is not None and frame.pending.sensitive and not self.exchange.consumed:
            self.exchange.redact = True

    def roll_back(self, failed: Frame | None) -> list[Frame]:
        """The committed frames, with the calls that this turn made; without one that cannot go on."""
        frames = self._roll_back_to()
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

    def note(self) -> None:
        """Put on the lasting record what this turn found out, before the frames that it is in change."""
        for frame in self.worked.values():
            self.exchange.note_frame(frame)
