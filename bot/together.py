"""Debounce: a message waits a moment for the next one, and both are answered in one turn."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from flows import overlap
from flows.bot import Bot
from flows.services import Services
from storage.outcomes import Outcome
from storage.records import Turn
from storage.turns import TurnStore


async def put_together(
    store: TurnStore, bot: Bot, turn: Turn, services: Services
) -> tuple[Turn, Outcome | None]:
    """The turn to run, with the messages that were held for it; or the outcome that holds its message for the next.

    Waits, under the turn's lease, until the person has been quiet for as long as the flow says. Raises Unavailable.
    """
    if turn.session.in_handoff:
        return turn, None
    whole = overlap.joined(turn)
    flow = overlap.flow_of(bot, turn)
    begun = turn.state.checkpoint is not None
    if flow is None or flow.overlap != "debounce" or begun or not overlap.joinable(bot, turn.entry):
        return whole, None
    if len(overlap.held(turn)) >= overlap.MOST_JOINED - 1:
        return whole, None
    following = await store.following(turn)
    if following is None:
        quiet_s = (flow.quiet - (services.now() - turn.entry.accepted_at)).total_seconds()
        with suppress(TimeoutError):
            # Stop ends the waiting too; the clock of another process may be ahead, so no longer than the flow says.
            async with asyncio.timeout(min(max(quiet_s, 0.0), flow.quiet.total_seconds())):
                await services.stopped.wait()
        following = await store.following(turn)
    if following is None or not overlap.joinable(bot, following):
        return whole, None
    return whole, overlap.hold(bot, turn, services)
