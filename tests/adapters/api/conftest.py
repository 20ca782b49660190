"""The API on aiohttp's test server, with a tenant's operations in memory behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from desk_rehearsal import DeskRehearsal, file_url

from adapters.api.adapter import mount


@pytest.fixture
def desk() -> DeskRehearsal:
    return DeskRehearsal()


class Caller:
    """Asks with a token; answers are (status, document)."""

    def __init__(self, http: TestClient[web.Request, web.Application], token: str | None) -> None:
        self._http = http
        self._token = token

    async def raw(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token is not None else {}
        return await self._http.request(
            method, f"/api/v1/{path}", headers=headers | more.pop("headers", {}), **more
        )

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        answer = await self.raw(method, path, **more)
        return answer.status, await answer.json() if answer.status != 204 else None


@pytest.fixture
async def http(desk: DeskRehearsal) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(client_max_size=1024 * 1024)
    mount(app, desk, file_url)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def nobody(http: Any) -> Caller:
    return Caller(http, None)


@pytest.fixture
def viewer(http: Any) -> Caller:
    return Caller(http, "viewer-token")


@pytest.fixture
def agent(http: Any) -> Caller:
    return Caller(http, "agent-token")


@pytest.fixture
def admin(http: Any) -> Caller:
    return Caller(http, "admin-token")
