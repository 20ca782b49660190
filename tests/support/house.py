"""A runtime with its web server in the test's own process, so that a test can move its clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp.test_utils import TestServer
from clocks import MovableClock
from databases import DatabaseUrls
from vaults import ROOT

from adapters.contract import PushAdapter
from bot.answers import ModelAccess
from bot.runtime import Parts, Roles, Runtime, open_runtime
from bot.server import build_app
from bot.slack.access import SlackAccess
from storage.secret_key import Secrets


@dataclass(frozen=True)
class House:
    runtime: Runtime
    url: str


@asynccontextmanager
async def open_house(
    urls: DatabaseUrls,
    redis_url: str,
    bots_dir: Path,
    adapters: Mapping[str, PushAdapter],
    clock: MovableClock,
    *,
    model: ModelAccess | None = None,
    object_store: Path | None = None,
    slack: SlackAccess | None = None,
) -> AsyncIterator[House]:
    parts = Parts(
        urls.runtime_url,
        redis_url,
        Secrets((ROOT,)),
        bots_dir,
        object_store=object_store,
        model=model,
        slack=slack or SlackAccess(),
    )
    async with open_runtime(parts, Roles(sweeps=False), adapters, clock=clock, poll_every_s=0.2) as runtime:
        app = build_app(runtime, demo_page=False, token_in_url=False, clock=clock)
        async with TestServer(app) as server:
            yield House(runtime, str(server.make_url("")).rstrip("/"))
