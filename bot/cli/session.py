"""What every command starts from: the settings, the logs, the event loop, and a runtime for short work."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvloop

from bot.logs import configure_logs
from bot.parts import resolve
from bot.runtime import Roles, Runtime, open_runtime
from config.settings import Settings

T = TypeVar("T")


def start(*, quiet: bool = True) -> Settings:
    """Read the settings and set up the logs; short commands log warnings only. Raises ConfigError."""
    settings = Settings.load()
    configure_logs(settings.parley_log_format, logging.WARNING if quiet else logging.INFO)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work to its end."""
    return uvloop.run(work)


@asynccontextmanager
async def short_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """A runtime that accepts and works nothing, on the named servers or the embedded ones, running or not."""
    roles = Roles(accepts=False, works=False, sweeps=False)
    async with resolve(settings, join=True) as resolved, open_runtime(resolved.parts, roles, {}) as runtime:
        yield runtime
