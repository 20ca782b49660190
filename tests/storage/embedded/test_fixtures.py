from __future__ import annotations

import asyncpg
import pytest
import redis.asyncio
from databases import DatabaseUrls


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_has_a_migrated_database_and_an_empty_redis_of_its_own(
    database: DatabaseUrls, redis_url: str, turn: int
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    assert await owner.fetchval("select to_regclass('seen_by_test')") is None
    await owner.execute("create table seen_by_test ()")
    await owner.close()
    client = redis.asyncio.Redis.from_url(redis_url)
    assert await client.dbsize() == 0
    await client.set("seen", turn)
    await client.aclose()


async def test_each_role_logs_in_as_itself(database: DatabaseUrls) -> None:
    for url, role in (
        (database.owner_url, "postgres"),
        (database.runtime_url, "parley_runtime"),
        (database.dispatch_url, "parley_dispatch"),
    ):
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("select current_user") == role
        await connection.close()
