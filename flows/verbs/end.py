"""`end`: the flow is over."""

from __future__ import annotations

from typing import Any, NoReturn

from flows.signals import Ended
from flows.stage import Stage
from flows.verbs.say import say


async def end(chat: Stage, text: str = "", *, value: Any = None) -> NoReturn:
    """End this flow, with a last word if given; `value` is what `enter` returns to the flow around it."""
    if text:
        await say(chat, text)
    chat.run.begin("end")
    raise chat.run.leave(Ended(chat.scope, value))
