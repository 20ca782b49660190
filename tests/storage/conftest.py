from __future__ import annotations

import asyncpg
import pytest
from vaults import strongroom

from storage.ids import uuid7
from storage.redis import connect


@pytest.fixture
async def room(database):
    """Database, vault and tenants, as the runtime role has them."""
    async with strongroom(database) as room:
        yield room


@pytest.fixture
async def redis(redis_url):
    """A client of the runtime's kind on an empty Redis."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def no_redis(tmp_path):
    """A client of a Redis that is not there."""
    client = connect(f"unix://{tmp_path}/nobody.sock")
    yield client
    await client.aclose()


@pytest.fixture
async def owner(database):
    """A connection that may do everything."""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def acme(owner):
    """The id of a tenant that is there, without a key."""
    tenant_id = uuid7()
    await owner.execute("insert into tenants (tenant_id, slug, name) values ($1, 'acme', 'Acme')", tenant_id)
    return tenant_id
