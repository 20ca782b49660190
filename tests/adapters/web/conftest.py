"""The web adapter on aiohttp's test server, with the rehearsal behind it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser as Chromium
from playwright.async_api import async_playwright
from rehearsal import Rehearsal, file_url
from visitors import Browser, MovableClock

from adapters.web.adapter import mount
from adapters.web.tokens import Tokens

Enter = Callable[[], Any]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def rehearsal() -> Rehearsal:
    return Rehearsal()


@pytest.fixture
def tokens(clock: MovableClock) -> Tokens:
    return Tokens(b"a secret of thirty-two bytes, ok", clock=clock)


@pytest.fixture
async def http(
    rehearsal: Rehearsal, tokens: Tokens, clock: MovableClock
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application()
    mount(app, rehearsal, rehearsal, tokens, file_url, clock, demo_page=True)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
def enter(http: TestClient[web.Request, web.Application], rehearsal: Rehearsal, tokens: Tokens) -> Enter:
    """Let a new visitor in."""

    async def come() -> Browser:
        answer = await http.post("/web/v1/sessions", json={"site": "demo"})
        assert answer.status == 200, await answer.text()
        token = (await answer.json())["token"]
        return Browser(http, rehearsal, token, tokens.verify(token).external_id)

    return come


@pytest.fixture
async def ada(enter: Enter) -> Browser:
    browser: Browser = await enter()
    return browser


@pytest_asyncio.fixture(loop_scope="module")
async def server(rehearsal: Rehearsal) -> AsyncIterator[TestServer]:
    app = web.Application()

    def now() -> datetime:
        return datetime.now(UTC)

    tokens = Tokens(b"a secret of thirty-two bytes, ok", clock=now)
    mount(app, rehearsal, rehearsal, tokens, file_url, now, demo_page=True)
    running = TestServer(app)
    await running.start_server()
    yield running
    await running.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        await chromium.close()
