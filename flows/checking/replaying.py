"""Run flows over a record as far as it goes: up to where each waits, and no further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flows.bot import Bot
from flows.exchange import Exchange
from flows.flow import Flow
from flows.onlooker import Onlooker
from flows.perform import Ending, perform
from flows.record import Frame
from flows.rehearsal.conversation import SESSION
from flows.rehearsal.services import RehearsedServices
from flows.signals import Signal
from storage.records import Entry, EntryKind, Session, State, Turn


class Enough(Signal):
    """The run has come to where its flow waits."""


class Bounds:
    """Stops a run at the first verb beyond the record, so that nothing is said, asked or called."""

    def met(self, verb: str, *, live: bool) -> None:
        if live:
            raise Enough

    def stand_in(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*arguments: Any) -> Any:
            raise Enough

        return refuse

    def recall(self, flow: str, kind: str, path: str, digest: str) -> None:
        """Nothing beyond the record is known."""


async def replay(
    bot: Bot,
    frames: list[Frame],
    frame: Frame,
    flow: Flow,
    services: RehearsedServices,
    onlooker: Onlooker,
    *,
    session: Session = SESSION,
) -> Ending:
    """Run a flow over a frame's record, without input; the frame is used up by it."""
    entry = Entry(UUID(int=1), 1, EntryKind.MESSAGE, "", None, None, None, services.now(), 1)
    turn = Turn(session, 1, entry, State(), 0)
    return await perform(Exchange(bot, turn, services, frames, onlooker), frame, flow, None)
