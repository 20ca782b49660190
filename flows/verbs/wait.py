"""`wait`: go on at a time, after a while, or when something has happened elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flows.errors import FlowMistake
from flows.input import Puzzled, TimeUp, Typed
from flows.record import Pending, Status
from flows.run import Run
from flows.stage import Stage
from flows.timers import checked, set_alarms, time_is_up
from flows.values import digest, encode
from flows.vocabulary import Reply


@dataclass(frozen=True, slots=True)
class _Wait:
    """One wait as it stands now; `event` is empty where only time is waited for."""

    path: str
    event: str
    duration: timedelta | None
    until: datetime | None

    def due(self, now: datetime) -> datetime | None:
        return now + self.duration if self.duration is not None else self.until


async def wait(
    chat: Stage,
    for_: timedelta | None = None,
    *,
    until: datetime | None = None,
    event: str | None = None,
    timeout: timedelta | None = None,
) -> Any:
    """Wait for a while, until a time, or for a named event; `timeout` bounds the wait for an event.

    Returns the event's value, or None when the time came. Meanwhile the person may talk about other things:
    what they write goes to other flows, as if nothing were under way.
    """
    run = chat.run
    run.begin("wait")
    _check(for_, until, event, timeout)
    key = chat.key(event or "wait")
    path = chat.scope + key
    row = run.find(path, "wait")
    if row is None:
        run.open(path)
        arguments = digest(
            encode([event, None if until is None else until.isoformat(), _seconds(for_)], "wait")
        )
        carried = run.frame.carried.get(path)
        if carried is not None and carried.kind == "wait" and carried.digest == arguments:
            value = carried.value
        else:
            value = _receive(run, _Wait(path, event or "", timeout if for_ is None else for_, until))
            run.exchange.consumed = True
        run.frame.add(chat.scope, key, "wait", arguments, Status.OK, value, False)
        row = run.frame.rows[path]
    came = run.value(row)
    return None if came is None else came[0]


def _receive(run: Run, waiting: _Wait) -> list[Any] | None:
    """What the wait came to: `[value]` of an event, or None when the time came. Parks while it is open."""
    given = run.take(waiting.path, waiting.event)
    match given:
        case TimeUp(role="due") if waiting.duration is not None or waiting.until is not None:
            return None
    frame, now = run.frame, run.exchange.services.now()
    for place, (name, value) in enumerate(frame.events):
        if waiting.event and name == waiting.event:
            del frame.events[place]
            return [value]
    due = waiting.due(now)
    if due is not None:
        if due <= now and waiting.duration is None:
            return None
        set_alarms(run, waiting.path, due=due)
        if time_is_up(run, waiting.path):
            return None
    else:
        frame.alarms = []
    if isinstance(given, Typed | Puzzled):
        # Only what nothing else answers to comes here (see `flows.routing`).
        run.exchange.say(Reply(run.exchange.bot.texts.waiting))
        run.exchange.consumed = True
    raise run.park(Pending(waiting.path, "wait", waiting.event))


def _check(
    for_: timedelta | None, until: datetime | None, event: str | None, timeout: timedelta | None
) -> None:
    if sum(given is not None for given in (for_, until, event)) != 1:
        raise FlowMistake(
            'wait: say what to wait for, one of for_=timedelta(…), until=datetime, event="name"'
        )
    if timeout is not None and event is None:
        raise FlowMistake("wait: timeout= belongs to event=; use for_= to wait for a while")
    if until is not None and until.tzinfo is None:
        raise FlowMistake("wait: until= is a datetime with its time zone, such as datetime(…, tzinfo=UTC)")
    for name, duration in (("for_=", for_), ("timeout=", timeout)):
        if duration is not None:
            checked(duration, f"wait: {name}")


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
