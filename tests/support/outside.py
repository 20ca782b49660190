"""The world around a Parley under test, as one small HTTP server: a platform, a shop's back office, a gate.

It stands at the outer edge only. Whatever calls it can be held there until the test lets it go, which is how
a process is caught at one point of its work.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


class Hold:
    """Keeps the first who comes to a place (of one process, if it is named) until it is let go."""

    def __init__(self, place: str, process: str | None) -> None:
        self.place = place
        self.process = process
        self.taken = False
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, within_s: float = 30.0) -> None:
        """Wait until somebody is held."""
        try:
            async with asyncio.timeout(within_s):
                await self._reached.wait()
        except TimeoutError:
            raise AssertionError(f"nobody came to {self.place!r} in {within_s:g} s") from None

    def let_go(self) -> None:
        self._released.set()

    async def keep(self) -> None:
        self._reached.set()
        await self._released.wait()


@dataclass
class Outside:
    """`delivered` is what the platform accepted, `calls` the (name, idempotency key) of calls that arrived."""

    url: str = ""
    delivered: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    ready: dict[str, dict[str, Any]] = field(default_factory=dict)
    _holds: list[Hold] = field(default_factory=list)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def hold(self, place: str, process: str | None = None) -> Hold:
        """Hold the next who comes to `place`: `call:NAME`, `send`, `taken`, or a point of a held process."""
        hold = Hold(place, process)
        self._holds.append(hold)
        return hold

    def let_all_go(self) -> None:
        for hold in self._holds:
            hold.let_go()

    async def process(self, name: str, within_s: float = 20.0) -> dict[str, Any]:
        """What the process of this name said when it was ready."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: name in self.ready)
        return self.ready.pop(name)

    async def arrived(self, count: int, within_s: float = 30.0) -> list[dict[str, Any]]:
        """What the platform has, once it is at least `count` messages."""
        async with asyncio.timeout(within_s), self._came:
            await self._came.wait_for(lambda: len(self.delivered) >= count)
        return self.delivered

    def keys(self, name: str) -> list[str]:
        """The idempotency keys with which a call was made, one for each time."""
        return [key for called, key in self.calls if called == name]

    async def _pass(self, place: str, process: str | None) -> None:
        for hold in self._holds:
            if hold.place == place and hold.process in (None, process) and not hold.taken:
                hold.taken = True
                await hold.keep()
                return

    async def _ready(self, request: web.Request) -> web.Response:
        said = await request.json()
        async with self._came:
            self.ready[said["name"]] = said
            self._came.notify_all()
        return web.json_response({})

    async def _point(self, request: web.Request) -> web.Response:
        await self._pass(request.match_info["point"], request.query.get("process"))
        return web.json_response({})

    async def _call(self, request: web.Request) -> web.Response:
        name, key = request.match_info["name"], request.headers.get("Idempotency-Key", "")
        self.calls.append((name, key))
        await self._pass(f"call:{name}", None)
        made = list(dict.fromkeys(self.keys(name)))
        return web.json_response({"value": f"{name}-{made.index(key) + 1}"})

    async def _send(self, request: web.Request) -> web.Response:
        message = await request.json()
        await self._pass("send", None)
        async with self._came:
            self.delivered.append(message | {"external_id": f"post-{len(self.delivered) + 1}"})
            external_id = self.delivered[-1]["external_id"]
            self._came.notify_all()
        await self._pass("taken", None)
        return web.json_response({"id": external_id})

    async def _find(self, request: web.Request) -> web.Response:
        found = [each for each in self.delivered if each["id"] == request.match_info["id"]]
        return web.json_response({"id": found[0]["external_id"] if found else None})


@asynccontextmanager
async def open_outside() -> AsyncIterator[Outside]:
    """Serve it on a free port of this machine."""
    outside = Outside()
    app = web.Application()
    app.add_routes(
        [
            web.post("/ready", outside._ready),
            web.post("/points/{point}", outside._point),
            web.post("/calls/{name}", outside._call),
            web.post("/messages", outside._send),
            web.get("/messages/{id}", outside._find),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
    await site.start()
    outside.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield outside
    finally:
        outside.let_all_go()
        await runner.cleanup()
