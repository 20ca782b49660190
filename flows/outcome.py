"""The outcome of a turn: what its exchange and its frames come to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from flows.awaited import approvals_of
from flows.exchange import Exchange
from flows.record import Frame
from flows.timers import timers_of
from storage.outcomes import NewMessage, Outcome


def outcome_of(
    exchange: Exchange,
    frames: list[Frame],
    replies: tuple[NewMessage, ...],
    *,
    worked: Iterable[Frame],
    damage: str | None,
    error: str | None = None,
) -> Outcome:
    """What is to be committed; `worked` are the frames that the turn touched."""
    return Outcome(
        replies=replies,
        state=exchange.state(frames),
        dispatches=tuple(exchange.dispatches),
        redact_input=exchange.redact,
        parked_for=_patience(exchange, frames),
        reason=None if replies else "none",
        damage=damage,
        error=error,
        flags=tuple(exchange.flags.values()),
        resolved=exchange.resolved,
        timers=timers_of(frames),
        hand=exchange.hand,
        events=tuple(exchange.events),
        links=tuple(exchange.links),
        parted=tuple(exchange.parted),
        taken_up=exchange.taken_up,
        approvals=approvals_of(
            frames,
            exchange.approvals,
            exchange.void_approvals,
            earlier=exchange.awaited or damage is not None,
        ),
        results=exchange.lasting((*frames, *worked)),
    )


def _patience(exchange: Exchange, frames: list[Frame]) -> timedelta | None:
    flows = [exchange.bot.registry.newest(frame.flow) for frame in frames]
    patience = max((flow.patience for flow in flows if flow is not None), default=None)
    last = max((timer.due_at for timer in timers_of(frames)), default=None)
    if patience is None or last is None:
        return patience
    # Silence is no reason to close a session that will speak by itself.
    return patience + max(last - exchange.services.now(), timedelta())
