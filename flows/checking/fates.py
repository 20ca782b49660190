"""What becomes of a running conversation when it meets today's code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flows.bot import Bot
from flows.checking.replaying import Bounds, replay
from flows.perform import End
from flows.record import Damaged, read_frames
from flows.rehearsal.services import RehearsedServices
from storage.records import Session, State


class Fate(StrEnum):
    """From the best to the worst."""

    CONTINUES = "continues"
    MIGRATES = "migrates"
    RESTARTS = "restarts"
    RETIRED = "retired"
    FAILS = "fails"
    DAMAGED = "damaged"


_ORDER = list(Fate)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of a session: that of the flow on its stack that fares worst. `why` quotes nothing that was said."""

    fate: Fate
    flow: str | None = None
    why: str = ""


async def outlook(bot: Bot, session: Session, state: State, now: datetime) -> Outlook:
    """What becomes of a session's state; nothing is written, said or called."""
    if state.damage is not None:
        return Outlook(Fate.DAMAGED, state.flow, state.damage)
    try:
        count = len(read_frames(state.data))
    except Damaged as damaged:
        return Outlook(Fate.DAMAGED, state.flow, str(damaged))
    looks = [await _outlook(bot, session, state, position, now) for position in range(count)]
    return max(reversed(looks), key=lambda each: _ORDER.index(each.fate), default=Outlook(Fate.CONTINUES))


async def _outlook(bot: Bot, session: Session, state: State, position: int, now: datetime) -> Outlook:
    frame = read_frames(state.data)[position]
    newest = bot.registry.newest(frame.flow)
    if newest is None:
        return Outlook(Fate.RETIRED, frame.flow, "there is no such flow any more")
    reasons = []
    for flow in bot.registry.candidates(frame.flow, frame.version):
        frames = read_frames(state.data)
        services = RehearsedServices(now)
        # Values that were kept briefly may be there still: only their use would tell, so they count as gone.
        ending = await replay(bot, frames, frames[position], flow, services, Bounds(), session=session)
        match ending.end:
            case End.MISFIT:
                reasons.append(ending.detail)
            case End.FAILED:
                return Outlook(Fate.FAILS, frame.flow, f"{type(ending.cause).__name__} is raised")
            case _:
                other = "" if flow.version == frame.version else f"with version {flow.version}"
                return Outlook(Fate.CONTINUES, frame.flow, other)
    migrates = frame.version != newest.version and frame.version in newest.migrations
    return Outlook(Fate.MIGRATES if migrates else Fate.RESTARTS, frame.flow, reasons[0] if reasons else "")
