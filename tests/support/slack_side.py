"""The other end of an installation: the few methods of Slack's Web API that it asks, as they are documented.

https://docs.slack.dev/reference/methods/oauth.v2.access, auth.test and bots.info.
"""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

CLIENT_ID = "100.001"
CLIENT_SECRET = "c" * 32


@dataclass(frozen=True)
class Call:
    method: str
    form: dict[str, str]
    authorization: str | None


@dataclass
class SlackSide:
    """`answers` of a method are given in turn, then its standard one; a callable makes the response itself."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, deque[Any]] = field(default_factory=dict)
    granted: dict[str, Any] = field(default_factory=lambda: grant())
    identity: dict[str, Any] = field(default_factory=lambda: identity())
    bot: dict[str, Any] = field(
        default_factory=lambda: {"ok": True, "bot": {"id": "B1", "app_id": "A1", "user_id": "U0BOT"}}
    )

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    def answer(self, method: str, *answers: Any) -> None:
        self.answers.setdefault(method, deque()).extend(answers)

    def forms(self, method: str) -> list[dict[str, str]]:
        return [call.form for call in self.calls if call.method == method]

    async def respond(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        form = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        self.calls.append(Call(method, form, request.headers.get("Authorization")))
        waiting = self.answers.get(method)
        answer = waiting.popleft() if waiting else self._standard(method)
        if callable(answer):
            return await answer(request)
        return web.json_response(answer)

    def _standard(self, method: str) -> Any:
        standard = {"oauth.v2.access": self.granted, "auth.test": self.identity, "bots.info": self.bot}
        return standard.get(method, {"ok": False, "error": "unknown_method"})


def grant(**more: Any) -> dict[str, Any]:
    return {
        "ok": True,
        "app_id": "A1",
        "authed_user": {"id": "U1"},
        "scope": "app_mentions:read,chat:write",
        "token_type": "bot",
        "access_token": "xoxb-granted",
        "bot_user_id": "U0BOT",
        "team": {"id": "T1", "name": "Acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        **more,
    }


def identity(**more: Any) -> dict[str, Any]:
    return {
        "ok": True,
        "url": "https://acme.slack.com/",
        "team": "Acme",
        "user": "parley",
        "team_id": "T1",
        "user_id": "U0BOT",
        "bot_id": "B1",
        "is_enterprise_install": False,
        **more,
    }


def failing(status: int, body: str = "", headers: dict[str, str] | None = None) -> Any:
    """An answer that is none of the API's own."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)

    return answer


def json_body(body: str, status: int = 200) -> Any:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type="application/json")

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """The connection ends without an answer."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0)
    return web.Response()


def basic(call: Call) -> tuple[str, str]:
    """Client id and secret of a call."""
    kind, _, login = (call.authorization or "").partition(" ")
    assert kind == "Basic"
    client_id, _, secret = base64.b64decode(login).decode().partition(":")
    return client_id, secret


@asynccontextmanager
async def slack_side() -> AsyncIterator[SlackSide]:
    side = SlackSide()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", side.respond)
    async with TestServer(app) as server:
        side.url = str(server.make_url("")).rstrip("/")
        yield side
