"""The long-running processes: everything in one, or web, worker and clock apart."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from adapters.terminal.adapter import TerminalAdapter
from bot.demo import SITE, ensure_demo
from bot.errors import PortTaken
from bot.parts import external_parts, resolve
from bot.runtime import Roles, Runtime, open_runtime
from bot.server import build_app
from config.settings import Settings

log = structlog.get_logger("parley.process")


async def run_all(settings: Settings, host: str) -> None:
    """`parley run`: embedded servers unless others are named, the demo tenant, all roles, until a signal."""
    async with resolve(settings, join=False) as resolved, _signals() as stopped:
        roles = Roles(alone=resolved.embedded)
        async with open_runtime(resolved.parts, roles, _adapters()) as runtime:
            await ensure_demo(runtime)
            app = build_app(runtime, demo_page=True, token_in_url=True)
            async with _serving(app, host, settings.port) as port:
                _announce(port)
                await stopped.wait()


async def run_web(settings: Settings, host: str) -> None:
    """`parley web`: accepts and shows; turns run in workers."""
    roles = Roles(works=False, sweeps=False, alone=False)
    async with _deployed(settings, roles) as (runtime, stopped):
        app = build_app(runtime, demo_page=False, token_in_url=False)
        async with _serving(app, host, settings.port) as port:
            log.info("serving", host=host, port=port)
            await stopped.wait()


async def run_worker(settings: Settings) -> None:
    """`parley worker`: runs turns and deliveries."""
    roles = Roles(accepts=False, sweeps=False, alone=False)
    async with _deployed(settings, roles) as (_, stopped):
        log.info("working")
        await stopped.wait()


async def run_clock(settings: Settings) -> None:
    """`parley clock`: closes what fell silent."""
    roles = Roles(accepts=False, works=False, alone=False)
    async with _deployed(settings, roles) as (_, stopped):
        log.info("sweeping")
        await stopped.wait()


@asynccontextmanager
async def _deployed(settings: Settings, roles: Roles) -> AsyncIterator[tuple[Runtime, asyncio.Event]]:
    async with _signals() as stopped, open_runtime(external_parts(settings), roles, _adapters()) as runtime:
        yield runtime, stopped


def _adapters() -> dict[str, TerminalAdapter]:
    """The platforms that are delivered to; a new one is one line here."""
    return {"terminal": TerminalAdapter(lambda text: print(f"[console] {text}", file=sys.stderr, flush=True))}


@asynccontextmanager
async def _signals() -> AsyncIterator[asyncio.Event]:
    """Ctrl-C or SIGTERM sets the event. Stopping has its limits, so a second signal changes nothing."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    stop = stopped.set

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield stopped
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@asynccontextmanager
async def _serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port, which the system chose if `port` is 0. Raises PortTaken."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {host} port {port} ({error.strerror}): stop what uses it, or set PORT to another"
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _announce(port: int) -> None:
    print(
        f"Parley is ready: open http://localhost:{port}/ and ask “What is my balance?” (site key {SITE!r}; "
        "one-time codes appear here; Ctrl-C stops everything)",
        flush=True,
    )
