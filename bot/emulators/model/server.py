"""The emulator's server, in the test's own process or as `parley emulate model`."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

from bot.emulators.model.answering import blocks_for
from bot.emulators.model.asked import Asked, read
from bot.emulators.model.faults import Refusal, envelope
from bot.emulators.model.reply import Reply
from bot.emulators.model.script import BadScript, Step, steps

KEY = "emulated"
# The API's own limit for a request.
MAX_BODY_BYTES = 32 * 1024 * 1024
_KEPT_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in, without its key."""

    path: str
    headers: Mapping[str, str]
    body: Any


class ModelEmulator:
    """Speaks the Messages API on 127.0.0.1: `async with ModelEmulator() as emulator: emulator.url`.

    `port` 0 takes any free one. `requests` are those that came in, the last thousand; `arrived` is set by each.
    `first_delta_at` is when the last streamed answer began, by `time.perf_counter()`.
    """

    def __init__(self, *, key: str = KEY, port: int = 0) -> None:
        self.key = key
        self.requests: deque[Request] = deque(maxlen=_KEPT_REQUESTS)
        self.arrived = asyncio.Event()
        self.first_delta_at: float | None = None
        self._port = port
        self._script: deque[Step] = deque()
        self._count = 0
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def script(self, *script: Mapping[str, Any]) -> None:
        """Answer the next requests by these steps (see `script.py`), one each. Raises BadScript."""
        self._script = deque(steps([dict(step) for step in script]))

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/v1/messages", self._messages),
                web.put("/emulator/script", self._put_script),
                web.get("/emulator/requests", self._get_requests),
            ]
        )
        # Whoever hangs up must not leave an answer behind that goes on for an hour.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self._closing.set()
        await self._runner.cleanup()

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        self._count += 1
        request_id = f"req_emulated{self._count:06}"
        try:
            asked = await self._read(request)
            step = self._script.popleft() if self._script else Step()
            if step.error is not None:
                raise Refusal(step.error, retry_after=step.retry_after)
        except Refusal as refusal:
            return _refused(refusal, request_id)
        reply = Reply.of(
            f"msg_emulated{self._count:06}",
            asked,
            step.blocks(asked) or blocks_for(asked),
            step.stop_reason,
            step.thinking,
        )
        if asked.stream:
            return await self._stream(request, reply, step, request_id)
        if step.fault is not None:
            await self._fail(request, None, step, request_id)
        return web.json_response(reply.message(), headers={"request-id": request_id})

    async def _read(self, request: web.Request) -> Asked:
        """Keep the request and check it. Raises Refusal."""
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            raise Refusal(413, "Request exceeds the maximum size") from None
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = headers.pop("x-api-key", None) or headers.pop("authorization", "").removeprefix("Bearer ")
        self.requests.append(Request(request.path, headers, body))
        self.arrived.set()
        if given != self.key:
            raise Refusal(401)
        return read(body, headers.get("anthropic-version"))

    async def _stream(
        self, request: web.Request, reply: Reply, step: Step, request_id: str
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream; charset=utf-8", "request-id": request_id}
        )
        begun = False
        try:
            for sent, event in enumerate(reply.events()):
                if step.fault is not None and step.fault.after == sent:
                    await self._fail(request, response, step, request_id)
                if step.delay:
                    await self._wait(step.delay)
                if not response.prepared:
                    await response.prepare(request)
                if not begun and event["type"] == "content_block_delta":
                    begun = True
                    self.first_delta_at = time.perf_counter()
                await _send(response, event)
            await response.write_eof()
        except ConnectionResetError:
            # Whoever asked has hung up.
            pass
        return response

    async def _fail(
        self, request: web.Request, response: web.StreamResponse | None, step: Step, request_id: str
    ) -> None:
        """Let go wrong what the step says; a stall goes on when it is over."""
        fault = step.fault
        assert fault is not None
        if fault.kind == "stall":
            await self._wait(fault.seconds)
            return
        if fault.kind == "error" and response is not None:
            if not response.prepared:
                await response.prepare(request)
            await _send(response, envelope(fault.type, "Scripted error", request_id))
        if request.transport is not None:
            request.transport.close()
        raise asyncio.CancelledError

    async def _wait(self, seconds: float) -> None:
        """Wait, and no longer than the emulator is there."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            pass

    async def _put_script(self, request: web.Request) -> web.Response:
        try:
            script = steps(json.loads(await request.read()))
        except (BadScript, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        self._script = deque(script)
        return web.json_response({"steps": len(script)})

    async def _get_requests(self, _: web.Request) -> web.Response:
        return web.json_response(
            [{"path": each.path, "headers": dict(each.headers), "body": each.body} for each in self.requests]
        )


async def _send(response: web.StreamResponse, event: Mapping[str, Any]) -> None:
    await response.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())


def _refused(refusal: Refusal, request_id: str) -> web.Response:
    headers = {"request-id": request_id}
    if refusal.retry_after is not None:
        headers["retry-after"] = str(refusal.retry_after)
    return web.json_response(
        envelope(refusal.type, str(refusal), request_id), status=refusal.status, headers=headers
    )
