"""The long-running processes: everything in one, or web, worker and clock apart."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from bot.console import Console
from bot.demo import SITE, SLUG, ensure_demo, ensure_slack
from bot.learning import learn
from bot.loops import Loops
from bot.parts import external_parts, resolve
from bot.runtime import Parts, Roles, Runtime, open_runtime
from bot.server import build_app, build_monitor, serving
from config.settings import Settings
from storage.redis import connect, reachable

log = structlog.get_logger("parley.process")


async def run_all(settings: Settings, host: str) -> None:
    """`parley run`: embedded servers unless others are named, the demo tenant, all roles, until a signal."""
    async with resolve(settings, join=False, lasting=True) as resolved:
        # A named database may be shared with other processes, whose live events go through Redis.
        roles = Roles(alone=resolved.embedded)
        async with _runtime(resolved.parts, roles) as runtime:
            await ensure_demo(runtime)
            slack = await ensure_slack(runtime, settings)
            app = build_app(runtime, demo_page=True, token_in_url=True)
            sockets = runtime.slack_inbound.sockets.running()
            async with serving(app, host, settings.port) as port, sockets, Loops() as loops:
                print(announcement(host, port, runtime.bots.config(SLUG).suggestions), flush=True)
                if slack is not None:
                    print(slack, flush=True)
                loops.start(learn(runtime))
                await _until_stopped()


async def run_web(settings: Settings, host: str) -> None:
    """`parley web`: accepts and shows; turns run in workers."""
    roles = Roles(works=False, sweeps=False, alone=False)
    async with _runtime(external_parts(settings), roles) as runtime:
        app = build_app(runtime, demo_page=False, token_in_url=False)
        async with serving(app, host, settings.port) as port, runtime.slack_inbound.sockets.running():
            log.info("serving", host=host, port=port)
            await _until_stopped()


async def run_worker(settings: Settings, host: str, monitor_port: int | None) -> None:
    """`parley worker`: runs turns and deliveries."""
    roles = Roles(accepts=False, sweeps=False, alone=False)
    async with _runtime(external_parts(settings), roles) as runtime, AsyncExitStack() as stack:
        await _monitor(stack, runtime, host, monitor_port)
        log.info("working")
        await _until_stopped()


async def run_clock(settings: Settings, host: str, monitor_port: int | None) -> None:
    """`parley clock`: closes what fell silent."""
    roles = Roles(accepts=False, works=False, alone=False)
    async with _runtime(external_parts(settings), roles) as runtime, AsyncExitStack() as stack:
        await _monitor(stack, runtime, host, monitor_port)
        log.info("sweeping")
        await _until_stopped()


@asynccontextmanager
async def _runtime(parts: Parts, roles: Roles) -> AsyncIterator[Runtime]:
    """A runtime that begins with both servers there. Later Redis may go, and everybody goes on."""
    redis = connect(parts.redis_url)
    try:
        with reachable():
            await redis.ping()
    finally:
        await redis.aclose()
    async with open_runtime(parts, roles, {"terminal": Console()}) as runtime:
        yield runtime


async def _monitor(stack: AsyncExitStack, runtime: Runtime, host: str, port: int | None) -> None:
    if port is not None:
        bound = await stack.enter_async_context(serving(build_monitor(runtime), host, port))
        log.info("monitoring", host=host, port=bound)


async def _until_stopped() -> None:
    """Wait for Ctrl-C or SIGTERM. Stopping has its limits, so a further signal changes nothing."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    log.info("stopping")


def announcement(host: str, port: int, suggestions: Sequence[str]) -> str:
    """The line that says where to go, and what to ask there if the bot suggests something."""
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::1", "::") else host  # noqa: S104
    ask = f" and ask “{suggestions[0]}”" if suggestions else ""
    return (
        f"Parley is ready: open http://{shown}:{port}/{ask} (site key {SITE!r}; "
        "one-time codes appear here; Ctrl-C stops everything)"
    )
