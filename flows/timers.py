"""Time and events that reach a conversation: the timers of the verb that waits, and what comes for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from flows.errors import FlowMistake
from flows.input import TimeUp
from flows.record import Alarm, Frame
from flows.run import Run
from storage.outcomes import Timer
from storage.records import Entry

MOST_EVENTS = 100
LONGEST = timedelta(days=3660)

_log = structlog.get_logger("flows")


def set_alarms(run: Run, path: str, *, due: datetime, remind: datetime | None = None) -> None:
    """Set the timers of the verb at `path`, unless it has some already: it may wait for the second time."""
    if any(alarm.path == path for alarm in run.frame.alarms):
        return
    times = {"remind": remind, "due": due}
    run.frame.alarms = [
        Alarm(path, str(run.exchange.services.new_id()), role, time.isoformat())
        for role, time in times.items()
        if time is not None
    ]


def drop_reminder(run: Run, path: str) -> None:
    """The reminder of the verb at `path` has been given."""
    run.frame.alarms = [alarm for alarm in run.frame.alarms if (alarm.path, alarm.role) != (path, "remind")]


def time_is_up(run: Run, path: str) -> bool:
    """Whether the verb's time is over, though its timer may not have gone off, or went off unnoticed."""
    now = run.exchange.services.now()
    return any(
        alarm.rung or datetime.fromisoformat(alarm.due) <= now
        for alarm in run.frame.alarms
        if alarm.path == path and alarm.role == "due"
    )


def ring(entry: Entry, frames: Sequence[Frame], *, heard: bool = True) -> TimeUp | None:
    """What a timer says to the flow that talks; None when nothing is to be run for it.

    For a flow under another one it is kept until that flow talks again; unless `heard`, for every flow, whether or
    not it is then said here. A timer whose verb no longer waits comes to nothing.
    """
    for frame in frames:
        waiting = frame.pending or frame.expected
        for place, alarm in enumerate(frame.alarms):
            if alarm.id == str(entry.id) and waiting is not None and alarm.path == waiting.path:
                if frame is not frames[-1] or not heard:
                    frame.alarms[place] = alarm._replace(rung=True)
                return TimeUp(alarm.role) if frame is frames[-1] else None
    return None


def take_in(entry: Entry, frames: Sequence[Frame]) -> bool:
    """Put an event where a `wait` finds it; tells whether the flow that talks is waiting for it.

    It goes to the topmost flow that waits for it, else to the one that talks, which keeps it for a later
    wait; with nothing under way it is dropped.
    """
    if not isinstance(entry.payload, dict) or not isinstance(entry.payload.get("name"), str) or not frames:
        _log.warning("event_dropped", entry=str(entry.id), frames=len(frames))
        return False
    name, value = str(entry.payload["name"]), entry.payload.get("value")
    waiting = next((frame for frame in reversed(frames) if _waits_for(frame, name)), None)
    keep_event(waiting or frames[-1], name, value)
    return waiting is frames[-1]


def keep_event(frame: Frame, name: str, value: object) -> None:
    """Keep an event for a wait to come; of too many the oldest go."""
    frame.events.append([name, value])
    if len(frame.events) > MOST_EVENTS:
        _log.warning("events_forgotten", flow=frame.flow, count=len(frame.events) - MOST_EVENTS)
        del frame.events[:-MOST_EVENTS]


def hand_down(ended: Frame, frames: Sequence[Frame]) -> None:
    """Events that a flow did not take stay with the one below it."""
    if frames:
        for name, value in ended.events:
            keep_event(frames[-1], name, value)


def timers_of(frames: Sequence[Frame]) -> tuple[Timer, ...]:
    """All timers that these frames wait for."""
    return tuple(
        Timer(
            UUID(alarm.id),
            datetime.fromisoformat(alarm.due),
            {"flow": frame.flow, "waits_at": alarm.path, "role": alarm.role},
        )
        for frame in frames
        for alarm in frame.alarms
        if frame.pending is not None and alarm.path == frame.pending.path
    )


def checked(duration: timedelta, place: str) -> timedelta:
    """A time to wait. Raises FlowMistake."""
    if not isinstance(duration, timedelta):
        raise FlowMistake(f"{place} is a timedelta, such as timedelta(hours=2)")
    if duration > LONGEST:
        raise FlowMistake(f"{place} is more than ten years")
    return duration


def _waits_for(frame: Frame, name: str) -> bool:
    return (
        frame.pending is not None and frame.pending.kind in ("wait", "link") and frame.pending.label == name
    )
