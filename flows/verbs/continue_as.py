"""`continue_as`: go on as another flow, with a fresh record."""

from __future__ import annotations

from typing import Any, NoReturn

from flows.errors import FlowMistake
from flows.flow import Flow
from flows.signals import Continued
from flows.stage import Stage
from flows.values import encode


async def continue_as(chat: Stage, flow: Flow | str, /, **slots: Any) -> NoReturn:
    """End this flow here and go on as `flow`, or as itself, giving its function the slots as arguments.

    Nothing else is taken over, so the record of a conversation of any length stays small. Slots are values
    that the record can hold. An entered flow cannot do this: the flow around it waits for its result.
    """
    run = chat.run
    run.begin("continue_as")
    if chat.scope not in ("", "unverified/"):
        raise FlowMistake("continue_as: an entered flow returns to the one around it; continue from there")
    following = run.exchange.bot.resolve(flow)
    for name in slots:
        if name not in following.slots:
            raise FlowMistake(
                f"continue_as: flow {following.name!r} takes no {name!r}; give its function an argument of that name"
            )
    encoded = {name: encode(value, f"continue_as {name}") for name, value in slots.items()}
    raise run.leave(Continued(following, encoded))
