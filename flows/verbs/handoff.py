"""`handoff`: a person takes the conversation over."""

from __future__ import annotations

from datetime import timedelta

from flows.input import HandedBack, TimeUp
from flows.record import Pending, Status
from flows.stage import Stage
from flows.timers import checked, set_alarms, time_is_up
from storage.outcomes import Hand


async def handoff(chat: Stage, reason: str = "", *, timeout: timedelta | None = None) -> str | None:
    """Give the session to a person, and go on once that person gives it back; returns the person's name.

    The bot is silent meanwhile: what the user writes is for the person. `reason` is shown to operators. Returns
    None when nobody has taken the session within `timeout`, and at once where the bot hands nothing over
    (`hands_over = false` in bot.toml). A person may also close the session; the flow ends with it.
    """
    run = chat.run
    run.begin("handoff")
    key = chat.key("handoff")
    path = chat.scope + key
    row = run.find(path, "handoff")
    if row is None:
        run.open(path)
        match run.take(path, "handoff"):
            case HandedBack(by):
                person: str | None = by
            case TimeUp(role="due") if timeout is not None:
                person = None
            case _ if not run.exchange.bot.hands_over or (timeout is not None and time_is_up(run, path)):
                person = None
            case _:
                run.exchange.hand = Hand(to_person=True, reason=reason or None)
                if timeout is None:
                    run.frame.alarms = []
                else:
                    due = run.exchange.services.now() + checked(timeout, "handoff: timeout=")
                    set_alarms(run, path, due=due)
                raise run.park(Pending(path, "handoff", "handoff"))
        run.exchange.consumed = True
        chat.record(key, "handoff", person, status=Status.OK)
        row = run.frame.rows[path]
    name = run.value(row)
    return None if name is None else str(name)
