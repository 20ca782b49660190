"""The HTTP server: the adapters' routes, and what operators and load balancers ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from adapters.web.adapter import mount
from adapters.web.tokens import Tokens
from bot.runtime import Runtime
from storage.clock import Clock, wall_clock
from storage.errors import StorageError

MAX_BODY_BYTES = 1024 * 1024


def build_app(
    runtime: Runtime, *, demo_page: bool, token_in_url: bool, clock: Clock = wall_clock
) -> web.Application:
    """The application of `web` and `run`."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    tokens = Tokens(runtime.secrets.derive("web"), clock=clock)
    mount(app, runtime.conversations, tokens, clock, demo_page=demo_page, token_in_url=token_in_url)
    app.add_routes(
        [
            web.get("/healthz", _healthz),
            web.get("/readyz", _readyz(runtime)),
            web.get("/metrics", _metrics),
        ]
    )
    return app


async def _healthz(_: web.Request) -> web.Response:
    """The process is alive."""
    return web.json_response({"status": "ok"})


def _readyz(runtime: Runtime) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def endpoint(_: web.Request) -> web.Response:
        """Messages can be accepted. Redis may be away: that is told, and is no reason to send no traffic."""
        state = {"postgres": "ok", "redis": "ok"}
        try:
            await runtime.database.ping()
        except StorageError as error:
            state["postgres"] = str(error)
        try:
            await asyncio.wait_for(runtime.ping_redis(), 2)
        except Exception as error:
            state["redis"] = str(error) or type(error).__name__
        return web.json_response(state, status=200 if state["postgres"] == "ok" else 503)

    return endpoint


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
