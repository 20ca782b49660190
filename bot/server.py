"""The HTTP server: the adapters' routes, and what operators and load balancers ask."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog
from aiohttp import web

from adapters.api.adapter import mount as mount_api
from adapters.files.adapter import mount as mount_files
from adapters.files.links import Links
from adapters.slack.install import mount as mount_slack_install
from adapters.web.adapter import mount
from adapters.web.tokens import Tokens
from bot.errors import PortTaken
from bot.metrics import CONTENT_TYPE
from bot.runtime import Runtime
from storage.clock import Clock, wall_clock
from storage.errors import StorageError

log = structlog.get_logger("parley.server")

MAX_BODY_BYTES = 1024 * 1024
PING_LIMIT_S = 2.0
SHUTDOWN_S = 5.0

Endpoint = Callable[[web.Request], Awaitable[web.Response]]


def build_app(
    runtime: Runtime, *, demo_page: bool, token_in_url: bool, clock: Clock = wall_clock
) -> web.Application:
    """The application of `web` and `run`."""
    app = build_monitor(runtime)
    tokens = Tokens(*runtime.secrets.derive_each("web"), clock=clock)
    links = Links(*runtime.secrets.derive_each("files"), clock=clock)
    file_url = partial(links.url, "")
    mount(
        app,
        runtime.conversations,
        runtime.uploads,
        tokens,
        file_url,
        clock,
        demo_page=demo_page,
        token_in_url=token_in_url,
    )
    mount_api(app, runtime.operations, file_url)
    mount_files(app, runtime.files.open, links)
    mount_slack_install(app, runtime.slack.install_door)
    runtime.slack_inbound.gate.mount(app)
    return app


def build_monitor(runtime: Runtime) -> web.Application:
    """Health and metrics alone: what `worker` and `clock` serve where they are asked to."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.add_routes(
        [
            web.get("/healthz", _healthz),
            web.get("/readyz", _readyz(runtime)),
            web.get("/metrics", _metrics(runtime)),
        ]
    )
    return app


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port, which the system chose if `port` is 0. Raises PortTaken."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise PortTaken(
                f"cannot listen on {host} port {port} ({reason}): stop what uses it, or set PORT to another"
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _healthz(_: web.Request) -> web.Response:
    """The process is alive."""
    return web.json_response({"status": "ok"})


def _readyz(runtime: Runtime) -> Endpoint:
    async def endpoint(_: web.Request) -> web.Response:
        """Messages can be accepted. Redis may be away: that is told, and is no reason to send no traffic.

        What is wrong goes to the log: whoever asks need not know our addresses.
        """
        state = {"postgres": "ok", "redis": "ok"}
        try:
            await runtime.database.ping()
        except StorageError as error:
            state["postgres"] = "unavailable"
            log.warning("not_ready", error=str(error))
        try:
            async with asyncio.timeout(PING_LIMIT_S):
                await runtime.ping_redis()
        except Exception as error:
            state["redis"] = "unavailable"
            log.warning("redis_away", error=str(error) or type(error).__name__)
        return web.json_response(state, status=200 if state["postgres"] == "ok" else 503)

    return endpoint


def _metrics(runtime: Runtime) -> Endpoint:
    async def endpoint(_: web.Request) -> web.Response:
        return web.Response(body=await runtime.metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    return endpoint
