"""`end`: the flow is over."""

from __future__ import annotations

from typing import Any, NoReturn

from flows.signals import Ended
from flows.stage import Stage
from flows.verbs.say import say


async def end(chat: Stage, text: str = "", *, value: Any = None, resolved: bool | None = None) -> NoReturn:
    """End this flow, with a last word if given; `value` is what `enter` returns to the flow around it.

    `resolved` says whether the person's matter is settled; the session keeps the last such word, for the metrics.
    """
    if text:
        await say(chat, text)
    run = chat.run
    run.begin("end")
    if resolved is not None and run.live:
        run.exchange.resolved = resolved
    raise run.leave(Ended(chat.scope, value))
