"""What every command starts from: the settings, the logs, the event loop, and a runtime for short work."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from bot.errors import Stopped
from bot.logs import configure_logs
from bot.parts import resolve
from bot.runtime import Roles, Runtime, open_runtime
from config.settings import Settings

T = TypeVar("T")


def start(*, quiet: bool = True, with_error_texts: bool = False) -> Settings:
    """Read the settings and set up the logs; short commands log errors only. Raises ConfigError."""
    settings = Settings.load()
    level = logging.ERROR if quiet else logging.INFO
    configure_logs(settings.parley_log_format, level, with_error_texts=with_error_texts)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end.

    Ctrl-C or SIGTERM cancels it, so that the servers which it started are stopped again; a long-running process
    takes both signals over once it serves. Raises Stopped then.
    """
    return uvloop.run(_until_signal(work))


async def _until_signal(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        # Once: a second cancellation would break off the clearing up.
        nonlocal stopped
        if not stopped:
            stopped = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        if stopped:
            raise Stopped("stopped before it was done") from None
        raise
    finally:
        # uvloop keeps them when it is closed: a command that asks something afterwards could not be stopped.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def short_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime that accepts and works nothing, on the named servers or the embedded ones, running or not."""
    roles = Roles(accepts=False, works=False, sweeps=False)
    async with resolve(settings, join=True) as resolved, open_runtime(resolved.parts, roles, {}) as runtime:
        yield runtime
