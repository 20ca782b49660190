"""`memo`: keep what would change from run to run."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from flows.stage import Stage

T = TypeVar("T")


async def memo(
    chat: Stage, name: str, function: Callable[[], T | Awaitable[T]], *, sensitive: bool = False
) -> T:
    """Run a quick function once and return the same value in every run: a time, a random number, an id.

    It may run again after a crash, so it must have no effects; those go through `call`.
    """
    run = chat.run
    run.begin("memo")
    key = chat.key(name)
    row = run.find(chat.scope + key, "memo")
    if row is None:
        run.open(chat.scope + key)
        if sensitive:
            run.frame.sensitive = True
        if not chat.recalled(key, "memo"):
            found = function()
            chat.record(key, "memo", await found if inspect.isawaitable(found) else found)
        row = run.frame.rows[chat.scope + key]
    return cast("T", run.value(row))
