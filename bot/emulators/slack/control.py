"""`/emulator/…`: what a program that uses `parley emulate slack` reads, and the faults that it asks for."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.emulators.slack.api import Api
from bot.emulators.slack.faults import BadFault, Faults, faults_from
from bot.emulators.slack.outlet import Outlet
from bot.emulators.slack.platform import Platform


class Control:
    """Everything as JSON."""

    def __init__(self, platform: Platform, api: Api, outlet: Outlet, faults: Faults) -> None:
        self._platform = platform
        self._api = api
        self._outlet = outlet
        self._faults = faults

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/emulator/messages", self._messages),
            web.get("/emulator/calls", self._calls),
            web.get("/emulator/deliveries", self._deliveries),
            web.get("/emulator/faults", self._waiting),
            web.put("/emulator/faults", self._put),
        ]

    async def _messages(self, request: web.Request) -> web.Response:
        """All messages, or those of `?channel=`, in order."""
        channel = request.query.get("channel")
        shown: list[Any] = [
            self._platform.show(message, metadata=True)
            | {"channel": message.channel, "ephemeral_to": message.ephemeral_to}
            for message in self._platform.transcript
            if channel in (None, message.channel)
        ]
        return web.json_response(sorted(shown, key=lambda message: str(message["ts"])))

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(call) for call in self._api.calls])

    async def _deliveries(self, _: web.Request) -> web.Response:
        """What was sent to the app, with each attempt and what it answered."""
        return web.json_response([asdict(delivery) for delivery in self._outlet.deliveries])

    async def _waiting(self, _: web.Request) -> web.Response:
        return web.json_response([asdict(fault) for fault in self._faults.waiting])

    async def _put(self, request: web.Request) -> web.Response:
        """Take these faults in place of those that wait."""
        try:
            self._faults.waiting = faults_from(json.loads(await request.read()))
        except (BadFault, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"faults": len(self._faults.waiting)})
