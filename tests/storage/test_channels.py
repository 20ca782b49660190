from __future__ import annotations

import pytest

from storage.channels import Channels
from storage.errors import Conflict, Invalid, NotFound, SealBroken
from storage.ids import uuid7


@pytest.fixture
async def tenant(room):
    return (await room.tenants.create("acme")).id


@pytest.fixture
def channels(room, clock):
    return Channels(room.database, room.vault, clock)


async def test_a_channel_is_found_by_its_account_with_credentials_opened(room, channels, tenant, clock):
    made = await channels.create(
        tenant, "slack", "T1", credentials={"token": "xoxb-1"}, settings={"idle_minutes": 5}
    )
    found = await Channels(room.database, room.another(), clock).find("slack", "T1")
    assert found == made
    assert (found.tenant_id, found.tenant_slug, found.account) == (tenant, "acme", "T1")
    assert (found.credentials, found.settings) == ({"token": "xoxb-1"}, {"idle_minutes": 5})
    assert "xoxb-1" not in repr(found)


async def test_credentials_are_sealed_in_the_database_and_bound_to_their_channel(
    room, channels, tenant, clock
):
    first = await channels.create(tenant, "slack", "T1", credentials={"token": "xoxb-1"})
    second = await channels.create(tenant, "slack", "T2", credentials={"token": "xoxb-2"})
    async with room.database.tenant(tenant) as connection:
        sealed = await connection.fetchval("select credentials from channels where id = $1", first.id)
        assert b"xoxb" not in sealed
        await connection.execute("update channels set credentials = $1 where id = $2", sealed, second.id)
    with pytest.raises(SealBroken):
        await Channels(room.database, room.vault, clock).find("slack", "T2")


async def test_a_channel_without_credentials_has_none(channels, tenant):
    assert (await channels.create(tenant, "web", "demo")).credentials == {}


@pytest.mark.parametrize("account", ["", "nobody", "a\0b", "\ud800", "x" * 100_000, "a b", "demo\n"])
async def test_an_unknown_account_has_no_channel(channels, tenant, account):
    await channels.create(tenant, "web", "demo")
    assert await channels.find("web", account) is None
    assert await channels.find("slack", "demo") is None


async def test_a_new_channel_is_found_though_its_account_was_just_unknown(channels, tenant):
    assert await channels.find("web", "demo") is None
    await channels.create(tenant, "web", "demo")
    assert await channels.find("web", "demo") is not None


async def test_a_change_is_seen_at_once(channels, tenant):
    made = await channels.create(tenant, "web", "demo", credentials={"a": "1"}, settings={"x": 1, "y": 2})
    await channels.find("web", "demo")
    await channels.update(tenant, made.id, settings={"x": None, "z": 3})
    found = await channels.find("web", "demo")
    assert (found.credentials, found.settings) == ({"a": "1"}, {"y": 2, "z": 3})
    await channels.update(tenant, made.id, credentials={"b": "2"})
    assert (await channels.find("web", "demo")).credentials == {"b": "2"}


async def test_a_disabled_channel_is_not_found_but_listed_and_loaded(channels, tenant, clock):
    made = await channels.create(tenant, "web", "demo")
    await channels.update(tenant, made.id, disabled=True)
    assert await channels.find("web", "demo") is None
    assert (await channels.load(tenant, made.id)).account == "demo"
    [listed] = await channels.list_all(tenant)
    assert listed.disabled_at == clock()
    await channels.update(tenant, made.id, disabled=False)
    assert await channels.find("web", "demo") == made


async def test_another_process_sees_a_change_when_its_memory_ends(room, channels, tenant, clock):
    made = await channels.create(tenant, "web", "demo")
    other = Channels(room.database, room.vault, clock)
    brief = Channels(room.database, room.vault, clock, life=0)
    for each in (other, brief):
        assert await each.find("web", "demo") == made
    await channels.update(tenant, made.id, settings={"x": 1})
    assert (await other.find("web", "demo")).settings == {}
    assert (await brief.find("web", "demo")).settings == {"x": 1}
    other.forget_all()
    assert (await other.find("web", "demo")).settings == {"x": 1}


async def test_remembered_channels_cost_no_query(room, channels, tenant):
    await channels.create(tenant, "web", "demo")
    await channels.find("web", "demo")
    await room.database.close()
    assert await channels.find("web", "demo") is not None


async def test_an_account_belongs_to_one_tenant(room, channels, tenant):
    other = (await room.tenants.create("other")).id
    await channels.create(tenant, "web", "demo")
    for each in (tenant, other):
        with pytest.raises(Conflict, match="has a channel already"):
            await channels.create(each, "web", "demo")
    assert (await channels.find("web", "demo")).tenant_id == tenant


async def test_another_tenants_channel_is_neither_loaded_nor_changed(room, channels, tenant):
    made = await channels.create(tenant, "web", "demo")
    other = (await room.tenants.create("other")).id
    with pytest.raises(NotFound):
        await channels.load(other, made.id)
    with pytest.raises(NotFound):
        await channels.update(other, made.id, settings={"x": 1})
    assert await channels.list_all(other) == []
    assert (await channels.load(tenant, made.id)).settings == {}


@pytest.mark.parametrize(
    ("platform", "account"),
    [("Web", "demo"), ("", "demo"), ("web", ""), ("web", "a b"), ("web", "x" * 201), ("web", "a\0")],
)
async def test_what_cannot_be_a_channel_is_refused(channels, tenant, platform, account):
    with pytest.raises(Invalid):
        await channels.create(tenant, platform, account)


async def test_there_is_no_channel_for_a_tenant_that_does_not_exist(channels):
    with pytest.raises(NotFound):
        await channels.create(uuid7(), "web", "demo")
