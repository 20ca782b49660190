from __future__ import annotations

import asyncio

import asyncpg
import pytest
from vaults import OTHER_ROOT, ROOT

from storage.errors import KeyMissing, SealBroken, WrongSecret
from storage.ids import uuid7
from storage.rotation import Rotation
from storage.secret_key import Secrets


@pytest.fixture
async def tenant(room):
    return (await room.tenants.create("acme")).id


@pytest.fixture
async def user(room, tenant):
    return await room.user(tenant)


async def test_two_processes_have_the_same_key_of_a_user(room, tenant, user):
    sealed = (await room.vault.user_sealer(tenant, user)).seal("messages", "content", user, b"plain")
    other = await room.another().user_sealer(tenant, user)
    assert other.open("messages", "content", user, sealed) == b"plain"


async def test_many_who_make_the_first_key_at_once_make_one(room, tenant, user):
    sealers = await asyncio.gather(*(room.another().user_sealer(tenant, user) for _ in range(30)))
    assert len({sealer.writes_with for sealer in sealers}) == 1


async def test_users_and_tenants_cannot_open_each_others(room, tenant, user):
    sealed = (await room.vault.user_sealer(tenant, user)).seal("messages", "content", user, b"plain")
    another_tenant = (await room.tenants.create("other")).id
    for stranger in (
        await room.vault.user_sealer(tenant, await room.user(tenant)),
        await room.vault.user_sealer(another_tenant, await room.user(another_tenant)),
        await room.vault.tenant_sealer(tenant),
    ):
        with pytest.raises(KeyMissing):
            stranger.open("messages", "content", user, sealed)


async def test_an_erased_key_is_not_made_anew(room, tenant, user):
    await room.vault.user_sealer(tenant, user)
    async with room.database.tenant(tenant) as connection:
        await room.vault.erase_user(connection, tenant, user)
    room.vault.forget_user(tenant, user)
    for vault in (room.vault, room.another()):
        with pytest.raises(KeyMissing, match="not made anew"):
            await vault.user_sealer(tenant, user)
    with pytest.raises(KeyMissing):
        await Rotation(room.database, room.vault, room.secrets).new_user_key(tenant, user)


async def test_a_user_erased_before_a_first_key_gets_none(room, tenant, user):
    async with room.database.tenant(tenant) as connection:
        await room.vault.erase_user(connection, tenant, user)
    with pytest.raises(KeyMissing):
        await room.vault.user_sealer(tenant, user)


async def test_a_process_that_remembers_an_erased_key_cannot_add_another(room, tenant, user):
    stale = room.another()
    await stale.user_sealer(tenant, user)
    async with room.database.tenant(tenant) as connection:
        await room.vault.erase_user(connection, tenant, user)
    with pytest.raises(KeyMissing):
        await Rotation(room.database, stale, room.secrets).new_user_key(tenant, user)


async def test_the_runtime_can_neither_delete_nor_revive_a_key(room, tenant, user):
    async with room.database.tenant(tenant) as connection:
        await room.vault.erase_user(connection, tenant, user)
    for statement in (
        "delete from user_keys",
        "delete from tenant_keys",
        "update user_keys set wrapped_key = 'x', erased_at = null",
    ):
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)):
            async with room.database.tenant(tenant) as connection:
                await connection.execute(statement)


async def test_there_is_no_key_for_a_user_who_does_not_exist(room, tenant):
    with pytest.raises(KeyMissing, match="no user"):
        await room.vault.user_sealer(tenant, uuid7())


async def test_there_is_no_key_for_a_tenant_who_does_not_exist(room):
    with pytest.raises(KeyMissing):
        await room.vault.tenant_sealer(uuid7())


async def test_another_secret_is_named_as_the_cause_and_damages_nothing(room, tenant, user):
    await room.vault.user_sealer(tenant, user)
    for attempt in (
        room.another(OTHER_ROOT).user_sealer(tenant, user),
        room.another(OTHER_ROOT).tenant_sealer(tenant),
    ):
        with pytest.raises(WrongSecret, match="PARLEY_SECRET_KEY is not the one"):
            await attempt
    await room.another(ROOT).user_sealer(tenant, user)


async def test_a_key_moved_to_another_user_does_not_open(room, tenant, user):
    other = await room.user(tenant)
    for each in (user, other):
        await room.vault.user_sealer(tenant, each)
    async with room.database.tenant(tenant) as connection:
        await connection.execute("update user_keys set generation = 2 where user_id = $1", other)
        await connection.execute("update user_keys set user_id = $1 where user_id = $2", other, user)
    with pytest.raises(SealBroken):
        await room.another().user_sealer(tenant, other)


async def test_the_old_secret_reads_and_the_new_one_writes(room, tenant, user):
    sealed = (await room.vault.user_sealer(tenant, user)).seal("messages", "content", user, b"plain")
    both = Secrets((OTHER_ROOT, ROOT))
    vault = room.another(OTHER_ROOT, ROOT)
    assert (await vault.user_sealer(tenant, user)).open("messages", "content", user, sealed) == b"plain"
    assert await Rotation(room.database, vault, both).wrap_anew(tenant) == 1
    assert await Rotation(room.database, vault, both).wrap_anew(tenant) == 0
    alone = await room.another(OTHER_ROOT).user_sealer(tenant, user)
    assert alone.open("messages", "content", user, sealed) == b"plain"
    with pytest.raises(WrongSecret):
        await room.another(ROOT).user_sealer(tenant, user)


async def test_a_new_generation_waits_until_every_process_can_read_it(room, tenant, user, database):
    rotation = Rotation(room.database, room.vault, room.secrets)
    old = await room.vault.user_sealer(tenant, user)
    sealed = old.seal("messages", "content", user, b"plain")
    assert await rotation.new_user_key(tenant, user) == 2
    assert (await room.another().user_sealer(tenant, user)).writes_with == old.writes_with
    await later(database)
    new = await room.another().user_sealer(tenant, user)
    assert new.writes_with != old.writes_with
    assert new.open("messages", "content", user, sealed) == b"plain"


async def test_a_new_key_of_the_tenant_wraps_its_users_anew(room, tenant, user, database):
    sealed = (await room.vault.user_sealer(tenant, user)).seal("messages", "content", user, b"plain")
    old = await room.vault.tenant_sealer(tenant)
    assert await Rotation(room.database, room.vault, room.secrets).new_tenant_key(tenant) == 2
    await later(database)
    vault = room.another()
    assert (await vault.tenant_sealer(tenant)).writes_with != old.writes_with
    assert await Rotation(room.database, vault, room.secrets).wrap_anew(tenant) == 1
    assert (await vault.user_sealer(tenant, user)).open("messages", "content", user, sealed) == b"plain"


async def test_a_key_seals_nothing_before_it_is_committed(room, tenant, user, database):
    # The user's row is locked, so the key's foreign key has to wait; then the attempt is given up.
    owner = await asyncpg.connect(database.owner_url)
    try:
        async with owner.transaction():
            await owner.execute("select from users where id = $1 for update", user)
            attempt = asyncio.create_task(room.vault.user_sealer(tenant, user))
            # What it waits for is in Postgres, which sets no event.
            while not await owner.fetchval("select exists (select from pg_locks where not granted)"):  # noqa: ASYNC110
                await asyncio.sleep(0)
            attempt.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
    finally:
        await owner.close()
    mine = await room.vault.user_sealer(tenant, user)
    assert (await room.another().user_sealer(tenant, user)).writes_with == mine.writes_with


async def later(database) -> None:
    """Let the keys be ten minutes old."""
    owner = await asyncpg.connect(database.owner_url)
    for table in ("tenant_keys", "user_keys"):
        await owner.execute(f"update {table} set created_at = created_at - interval '10 minutes'")
    await owner.close()
