"""Visitors of the web adapter, as a test's browser or back end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientResponse, ClientWebSocketResponse, web
from aiohttp.test_utils import TestClient
from rehearsal import Rehearsal, Talk

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class Browser:
    """A visitor with a token."""

    http: TestClient[web.Request, web.Application]
    rehearsal: Rehearsal
    token: str
    external_id: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def talk(self) -> Talk:
        return self.rehearsal.talk_of(self.external_id)

    async def get(self, path: str, **more: Any) -> ClientResponse:
        return await self.http.get(path, headers=self.headers | more.pop("headers", {}), **more)

    async def post(self, path: str, **more: Any) -> ClientResponse:
        return await self.http.post(path, headers=self.headers | more.pop("headers", {}), **more)

    async def connect(self, cursor: str | None = None, **more: Any) -> ClientWebSocketResponse[bool]:
        answer = await self.post("/web/v1/tickets")
        parameters = {"ticket": (await answer.json())["ticket"]}
        if cursor is not None:
            parameters["cursor"] = cursor
        socket: ClientWebSocketResponse[bool] = await self.http.ws_connect(
            "/web/v1/ws", params=parameters, **more
        )
        return socket
