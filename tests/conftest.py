"""Fixtures of the whole suite: real servers for each test process, a database for each test."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import redis.asyncio
from clocks import MovableClock
from databases import TEMPLATE, DatabaseUrls, make_template, run_as_owner, running_servers, urls_of

from storage.embedded.servers import Addresses


@pytest.fixture(scope="session")
def _runner() -> Iterator[asyncio.Runner]:
    # Given a factory, it leaves the tests' own event loops alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="session")
def servers(_runner: asyncio.Runner) -> Iterator[Addresses]:
    """PostgreSQL and Redis of this test process."""
    with running_servers(_runner) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def template(_runner: asyncio.Runner, servers: Addresses) -> DatabaseUrls:
    """The migrated database that is copied for each test; only read it."""
    return _runner.run(make_template(servers))


@pytest.fixture
async def database(template: DatabaseUrls, servers: Addresses) -> AsyncIterator[DatabaseUrls]:
    """An empty, migrated database of the test's own."""
    assert servers.owner_url is not None
    name = f"test_{secrets.token_hex(6)}"
    await run_as_owner(servers.owner_url, f'create database "{name}" template "{TEMPLATE}"')
    yield urls_of(servers.owner_url, name)
    # By force: a test may have killed a process in the middle of its work.
    await run_as_owner(servers.owner_url, f'drop database "{name}" with (force)')


@pytest.fixture
async def redis_url(servers: Addresses) -> str:
    """A Redis of the test's own, empty."""
    assert servers.redis_url is not None
    client = redis.asyncio.Redis.from_url(servers.redis_url)
    await client.flushall()
    await client.aclose()
    return servers.redis_url


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()
