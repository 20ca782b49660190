"""An app as Slack sees it: it takes what is posted to it, and answers what the test says."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs

from aiohttp import web


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_790_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Received:
    """A request that Slack made; `payload` is what it says, of whichever form."""

    headers: dict[str, str]
    raw: bytes
    payload: dict[str, Any]

    @property
    def event(self) -> dict[str, Any]:
        inner: dict[str, Any] = self.payload["event"]
        return inner

    def is_signed_with(self, secret: str) -> bool:
        stamp = self.headers["X-Slack-Request-Timestamp"]
        digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + self.raw, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers["X-Slack-Signature"], f"v0={digest}")


class SlackEnd:
    """The app's server: `answers` are given to the next requests in turn, then always an empty 200.

    An answer is a web.Response, a status, JSON, or an asyncio.Event to wait for.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: deque[Any] = deque()
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        assert self._runner is not None
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def events(self, kind: str) -> list[Received]:
        """The events of a type, in order."""
        return [each for each in self.received if each.payload.get("event", {}).get("type") == kind]

    async def arrived(self, count: int) -> list[Received]:
        """Wait for so many requests in all."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.received) >= count)
        return self.received

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/slack/events", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        if request.content_type == "application/json":
            payload = json.loads(raw)
        else:
            form = {
                name: values[0] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()
            }
            payload = json.loads(form["payload"]) if "payload" in form else form
        async with self._came:
            self.received.append(Received(dict(request.headers), raw, payload))
            self._came.notify_all()
        answer = self.answers.popleft() if self.answers else None
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = None
        if payload.get("type") == "url_verification" and answer is None:
            return web.Response(text=payload["challenge"])
        if isinstance(answer, web.Response):
            return answer
        if isinstance(answer, int):
            return web.Response(status=answer)
        return web.Response() if answer is None else web.json_response(answer)
