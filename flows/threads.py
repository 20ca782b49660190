"""Blocking functions, each in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def run_in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run a blocking function and await what it returns or raises.

    One that never ends costs its own thread: shared threads would run out for everybody, and threads that are
    not daemons would keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(value)
        else:
            # A future refuses StopIteration, which would end whoever awaits it in silence.
            outcome.set_exception(RuntimeError(str(error)) if isinstance(error, StopIteration) else error)

    def work() -> None:
        value, error = None, None
        try:
            value = context.run(function, *args)
        except BaseException as raised:
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # The loop is closed: nobody waits any more.

    threading.Thread(target=work, daemon=True, name=f"call {getattr(function, '__name__', '?')}").start()
    return await outcome
