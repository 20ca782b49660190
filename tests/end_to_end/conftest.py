"""A tenant with a web site and a channel on the platform `post`, and processes that serve it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession, ClientTimeout, TCPConnector
from databases import DatabaseUrls
from fleet import Fleet, Nursery, running_nursery
from outside import Outside, open_outside
from vaults import strongroom

from storage.channels import Channels
from storage.clock import wall_clock
from storage.records import Channel


@dataclass(frozen=True)
class Acme:
    """The tenant; its people are in `people.py`, its flows in `bots/acme`."""

    web: Channel
    post: Channel


async def found_acme(urls: DatabaseUrls) -> Acme:
    async with strongroom(urls) as room:
        tenant = await room.tenants.create("acme")
        channels = Channels(room.database, room.vault, wall_clock)
        # These tests talk faster than any person may.
        plenty = {"messages_per_minute": 1_000_000}
        return Acme(
            await channels.create(tenant.id, "web", "acme", settings=plenty),
            await channels.create(tenant.id, "post", "acme"),
        )


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as nursery:
        yield nursery


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with open_outside() as outside:
        yield outside


@pytest.fixture
async def acme(database: DatabaseUrls) -> Acme:
    return await found_acme(database)


@pytest.fixture
async def fleet(
    nursery: Nursery, database: DatabaseUrls, redis_url: str, outside: Outside, acme: Acme, tmp_path: Path
) -> AsyncIterator[Fleet]:
    fleet = Fleet(nursery, database, redis_url, outside, tmp_path)
    yield fleet
    fleet.end()


@pytest.fixture
async def owner(database: DatabaseUrls) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Eyes on all rows."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(
        connector=TCPConnector(limit=200, force_close=False), timeout=ClientTimeout(60)
    ) as session:
        yield session
