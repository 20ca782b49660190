"""`/api/<method>`: one call of the Web API, from its token to its answer."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import deque
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.emulators.slack.arguments import Arguments, read
from bot.emulators.slack.faults import Fault, Faults
from bot.emulators.slack.limits import Limits
from bot.emulators.slack.methods import without_token
from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.methods.table import METHODS
from bot.emulators.slack.oauth import Codes
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Call, Json
from bot.emulators.slack.refusals import Refused, ratelimited

_SECRET = {"token", "client_secret", "code", "refresh_token"}
_KEPT_CALLS = 2000
_WITHOUT_TOKEN = {"api.test": None, "oauth.v2.access": None, "apps.connections.open": 3}

Pause = Callable[[float], Awaitable[None]]


class Api:
    """Answers calls. `calls` are the last two thousand; `unknown` methods are those it is told not to know."""

    def __init__(
        self,
        platform: Platform,
        codes: Codes,
        limits: Limits,
        faults: Faults,
        pause: Pause,
        new_socket_url: Callable[[App], str],
    ) -> None:
        self.calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self.unknown: set[str] = set()
        self._platform = platform
        self._codes = codes
        self._limits = limits
        self._faults = faults
        self._pause = pause
        self._new_socket_url = new_socket_url

    async def answer(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        fault = self._faults.of_call(name) or Fault("")
        if fault.kind == "slow":
            await self._pause(fault.seconds)
        team_id: str | None = None
        arguments = Arguments({})
        headers: dict[str, str] = {}
        try:
            token, arguments = await read(request)
            if fault.kind in ("cut", "error"):
                self._log(name, None, arguments, None, 500 if fault.kind == "error" else 0)
                return _broken(request, fault)
            self._refuse(fault, name)
            if name in _WITHOUT_TOKEN:
                body = self._without_token(name, token, arguments, request)
            else:
                caller = self._caller(token, arguments)
                team_id = caller.installation.tenant
                headers["X-OAuth-Scopes"] = ",".join(sorted(caller.installation.scopes))
                body = self._run(METHODS[name], name, caller)
            status = 200
        except Refused as refused:
            body, status = refused.body, refused.status
            headers |= refused.headers
        if fault.kind in ("cut_after", "error_after"):
            self._log(name, team_id, arguments, None, 500 if fault.kind == "error_after" else 0)
            return _broken(request, fault)
        self._log(name, team_id, arguments, body, status)
        return web.json_response(body, status=status, headers=headers)

    def _refuse(self, fault: Fault, name: str) -> None:
        """Raises Refused where the call is to fail, or the method is not there."""
        match fault.kind:
            case "ratelimited":
                raise ratelimited(max(1, round(fault.seconds)))
            case "revoked":
                raise Refused("token_revoked")
            case "refused":
                raise Refused(fault.error)
        if fault.kind == "unknown_method" or name in self.unknown or name not in {*METHODS, *_WITHOUT_TOKEN}:
            raise Refused("unknown_method", req_method=name)

    def _caller(self, token: str | None, arguments: Arguments) -> Caller:
        installation = self._platform.grants.read(token)
        return Caller(self._platform, installation, arguments, token or "")

    def _run(self, method: Method, name: str, caller: Caller) -> Json:
        if method.scope is not None:
            caller.require(method.scope)
        key = (name, caller.installation.app_id, caller.installation.tenant)
        self._limits.call(method.tier, *key)
        if name == "chat.postMessage":
            self._limits.message(*key, caller.arguments.text("channel") or "")
        return method.run(caller)

    def _without_token(
        self, name: str, token: str | None, arguments: Arguments, request: web.Request
    ) -> Json:
        self._limits.call(_WITHOUT_TOKEN[name], name, token or "")
        if name == "api.test":
            return without_token.api_test(arguments)
        if name == "oauth.v2.access":
            return without_token.oauth_access(self._platform, self._codes, arguments, _basic(request))
        return without_token.open_connection(self._platform, token, self._new_socket_url)

    def _log(
        self, name: str, team_id: str | None, arguments: Arguments, answer: Json | None, status: int
    ) -> None:
        given = {key: value for key, value in arguments.given.items() if key not in _SECRET}
        self.calls.append(Call(name, team_id, given, answer, status, self._platform.clock()))


def _broken(request: web.Request, fault: Fault) -> web.Response:
    """A 500, or no answer at all."""
    if fault.kind in ("error", "error_after"):
        return web.Response(
            status=500, text="<html><body>Server Error</body></html>", content_type="text/html"
        )
    if request.transport is not None:
        request.transport.close()
    raise asyncio.CancelledError


def _basic(request: web.Request) -> tuple[str, str] | None:
    """Client id and secret from the header."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id_, _, secret = b64decode(given).decode().partition(":")
    except ValueError:
        return None
    return id_, secret
