"""Every table × every way to reach another tenant's row."""

from __future__ import annotations

import pytest
from asyncpg.exceptions import InsufficientPrivilegeError
from plant import key_of, where
from trespass import WAYS, leaks


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_no_table_lets_a_tenant_reach_another(estate, way):
    assert {"messages", "user_keys", "analytics.conversation_metrics"} <= {t.name for t in estate.tables}
    assert await leaks(estate, way) == []


async def test_a_tenant_sees_exactly_its_own_rows(estate):
    for table in estate.tables:
        if table.partition_of is not None:
            continue
        seen = await estate.runtime.fetch(f"select tenant_id::text as id from {table.name}")
        assert [row["id"] for row in seen] == [estate.ours], table.name
        ours = key_of(table, estate.our_rows[table.name])
        by_key = f"select count(*) from {table.name} where {where(table)}"
        assert await estate.runtime.fetchval(by_key, *ours) == 1, table.name


@pytest.mark.parametrize("ended", [False, True], ids=["never set", "set by a transaction that is over"])
async def test_without_a_tenant_there_are_no_rows(estate, ended):
    runtime = estate.runtime
    await runtime.execute("select set_config('parley.tenant_id', '', false)")
    if ended:
        async with runtime.transaction():
            await runtime.execute("select set_config('parley.tenant_id', $1, true)", estate.ours)
            assert await runtime.fetchval("select count(*) from users") == 1
    for table in estate.tables:
        try:
            assert await runtime.fetchval(f"select count(*) from {table.name}") == 0, table.name
        except InsufficientPrivilegeError:
            assert table.partition_of is not None, table.name


async def test_a_partition_cannot_be_reached_past_its_table(estate):
    partitions = [table for table in estate.tables if table.partition_of is not None]
    assert partitions
    for table in partitions:
        with pytest.raises(InsufficientPrivilegeError):
            await estate.runtime.execute(f"select from {table.name}")


async def test_the_same_external_id_of_two_tenants_is_two_users(estate):
    runtime = estate.runtime
    statement = """
        insert into users (tenant_id, id, platform, external_id, created_at)
        select $1, gen_random_uuid(), platform, external_id, created_at
        from (values ($2::text, $3::text, now())) given (platform, external_id, created_at)
        on conflict (tenant_id, platform, external_id) do nothing
    """
    theirs = estate.their_rows["users"]
    assert (
        await runtime.execute(statement, estate.ours, theirs["platform"], theirs["external_id"])
        == "INSERT 0 1"
    )
