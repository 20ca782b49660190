"""Run a flow's function once over its frame, and tell how that ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import Any

from flows.chat import Chat
from flows.errors import FlowMistake, Unanswered
from flows.exchange import Exchange, PortFailed
from flows.flow import Flow, Script
from flows.input import Input
from flows.record import Frame, Status
from flows.repair import Place
from flows.run import Run
from flows.signals import (
    AskAgain,
    Continued,
    Elsewhere,
    Ended,
    Interrupted,
    Misfit,
    Parked,
    Signal,
    Stopped,
    Unverified,
)
from flows.values import decode
from flows.vocabulary import Reply


class End(Enum):
    """How one run ended."""

    PARKED = auto()
    DIGRESSED = auto()
    CORRECTED = auto()
    FINISHED = auto()
    CONTINUED = auto()
    ELSEWHERE = auto()
    GAVE_UP = auto()
    STOPPED = auto()
    MISFIT = auto()
    GONE = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Ending:
    """`cause` of a failure, `digression` to another flow, `detail`: a misfit's reason or a gone value's path.

    `corrected` is the answered question that was corrected, with what the person says now.
    `continued` is the flow that takes this one's place, `elsewhere` what goes on instead of the built-in question.
    `unused` counts entries of the record that the run did not meet.
    """

    end: End
    cause: BaseException | None = None
    digression: Flow | None = None
    detail: str = ""
    unused: int = 0
    corrected: tuple[Place, str] | None = None
    continued: Continued | None = None
    elsewhere: Elsewhere | None = None


async def perform(exchange: Exchange, frame: Frame, flow: Flow, given: Input | None) -> Ending:
    """One run. What a port raises comes out as it was raised; everything else is in the ending."""
    if any(row.status is Status.EPHEMERAL for row in frame.rows.values()):
        try:
            await exchange.recall()
        except PortFailed as failure:
            raise failure.error from failure
    exchange.services.works_on(flow.overlap)
    run = Run(exchange, frame, flow, given)
    try:
        slots = {name: decode(value) for name, value in frame.slots.items() if name in flow.slots}
        cause = await _play(run, partial(flow.script, **slots) if slots else flow.script, "")
        if isinstance(run.signal, Unverified):
            cause = await _branch(run, run.signal)
    finally:
        run.closed = True
    if run.port_error is not None:
        raise run.port_error
    if run.mistake is not None and not isinstance(run.signal, Misfit):
        return Ending(End.FAILED, cause=run.mistake)
    return _ending(run, cause)


async def _play(run: Run, script: Script, scope: str) -> BaseException | None:
    """Run a function; what it raises of its own, unless it was being left anyway."""
    try:
        await script(Chat(run, scope))
    except Signal:
        return None
    except (Exception, SystemExit) as error:
        return None if run.signal is not None else error
    except BaseExceptionGroup as group:
        # A task group wraps even the signal that leaves a flow.
        return None if run.signal is not None else FlowMistake(f"the flow raised {group}")
    return None


async def _branch(run: Run, signal: Unverified) -> BaseException | None:
    """Go on in the `unverified` branch: the only way on for somebody who could not be verified."""
    run.signal = None
    branch = signal.branch or run.flow.unverified_branch
    if branch is not None:
        return await _play(run, branch, signal.scope + "unverified/")
    if run.speaking and signal.reason not in ("unavailable",):
        run.exchange.say(Reply(run.exchange.bot.texts.unverified))
    return None


def _ending(run: Run, cause: BaseException | None) -> Ending:
    signal: Any = run.signal
    match signal:
        case None | Ended() | Continued() | Unverified() if not run.live:
            why = type(cause).__name__ if cause else "the flow ended"
            pending = run.frame.pending.path if run.frame.pending else ""
            return Ending(End.MISFIT, detail=f"{why} before {pending}")
        case None if isinstance(cause, Unanswered):
            return Ending(End.GAVE_UP)
        case None if cause is not None:
            return Ending(End.FAILED, cause=cause)
        case None | Ended() | Unverified():
            return Ending(End.FINISHED)
        case Continued():
            return Ending(End.CONTINUED, continued=signal)
        case Elsewhere():
            return Ending(End.ELSEWHERE, elsewhere=signal)
        case Parked() if run.digression is not None:
            return Ending(End.DIGRESSED, digression=run.digression)
        case Parked() if run.corrected is not None and run.correction is not None:
            return Ending(End.CORRECTED, corrected=(run.corrected, run.correction.new))
        case Parked():
            return Ending(End.PARKED, unused=run.known - run.used)
        case Misfit(reason=reason):
            return Ending(End.MISFIT, detail=reason)
        case AskAgain(path=path):
            return Ending(End.GONE, detail=path)
        case Stopped():
            return Ending(End.STOPPED)
        case Interrupted() | _:
            raise AssertionError(f"unknown signal {signal!r}")
