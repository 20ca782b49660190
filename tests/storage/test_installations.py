from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.channels import Channels
from storage.errors import Conflict, Invalid, KeyMissing, NotFound, SealBroken
from storage.ids import uuid7
from storage.installations import Grant, Installations, Tokens

GRANT = Grant(
    app_id="A1",
    team_id="T1",
    enterprise_id=None,
    tokens=Tokens("xoxb-first"),
    team_name="Acme",
    bot_user_id="U0BOT",
    bot_id="B0BOT",
    scopes=("chat:write", "commands"),
    installed_by="U1",
)


@pytest.fixture
async def tenant(room):
    return (await room.tenants.create("acme")).id


@pytest.fixture
async def other_tenant(room):
    return (await room.tenants.create("other")).id


@pytest.fixture
def channels(room, clock):
    return Channels(room.database, room.vault, clock)


@pytest.fixture
def installations(room, channels, clock):
    return Installations(room.database, room.vault, channels, clock)


async def test_an_installation_makes_its_channel_and_is_found_each_way(
    room, installations, channels, tenant, clock
):
    made = await installations.save(tenant, GRANT)
    channel = await channels.find("slack", "A1/T1")
    assert (channel.id, channel.tenant_id, channel.credentials) == (made.channel_id, tenant, {})
    afresh = Installations(
        room.database, room.another(), Channels(room.database, room.another(), clock), clock
    )
    for found in (
        await afresh.of_channel(tenant, channel.id),
        await afresh.find("A1", team_id="T1"),
        *(await afresh.list_all(tenant)),
    ):
        assert found == made
    assert (made.account, made.team_name, made.bot_user_id, made.bot_id) == (
        "A1/T1",
        "Acme",
        "U0BOT",
        "B0BOT",
    )
    assert (made.tokens, made.scopes, made.installed_by) == (GRANT.tokens, GRANT.scopes, "U1")
    assert (made.installed_at, made.revoked_at, made.needs_reinstall) == (clock(), None, False)
    assert "xoxb" not in repr(made)


async def test_an_organisations_installation_has_no_team_and_is_apart_from_a_workspaces(
    installations, tenant
):
    org = await installations.save(tenant, replace(GRANT, team_id=None, enterprise_id="E1"))
    one = await installations.save(tenant, replace(GRANT, enterprise_id="E1"))
    assert (org.account, one.account) == ("A1/E1", "A1/T1")
    assert (await installations.find("A1", enterprise_id="E1")).id == org.id
    assert (await installations.find("A1", team_id="T1", enterprise_id="E1")).id == one.id
    assert await installations.find("A1", team_id="T2", enterprise_id="E1") is None
    assert await installations.find("A2", team_id="T1") is None


async def test_a_channel_without_installation_is_not_found(installations, channels, tenant):
    web = await channels.create(tenant, "web", "demo")
    slack = await channels.create(tenant, "slack", "A1/T1")
    for channel in (web, slack):
        with pytest.raises(NotFound):
            await installations.of_channel(tenant, channel.id)
    assert await installations.find("A1", team_id="T1") is None


async def test_installing_again_keeps_the_channel_and_takes_the_new_tokens(
    installations, channels, tenant, clock
):
    first = await installations.save(tenant, GRANT)
    await channels.update(tenant, first.channel_id, settings={"idle_minutes": 5}, disabled=True)
    clock.advance(timedelta(hours=1))
    again = await installations.save(tenant, replace(GRANT, tokens=Tokens("xoxb-second"), team_name="Acme 2"))
    assert (again.id, again.channel_id) == (first.id, first.channel_id)
    assert (again.tokens.access, again.team_name) == ("xoxb-second", "Acme 2")
    assert (again.installed_at, again.token_version) == (clock(), first.token_version + 1)
    channel = await channels.find("slack", "A1/T1")
    assert (channel.id, channel.settings) == (first.channel_id, {"idle_minutes": 5})


async def test_the_secrets_of_an_own_app_are_kept_with_the_channel_until_it_is_the_processs(
    installations, channels, tenant
):
    secrets = {"signing_secret": "s1", "app_token": "xapp-1"}
    await installations.save(tenant, GRANT, app_secrets=secrets)
    assert (await channels.find("slack", "A1/T1")).credentials == secrets
    await installations.save(tenant, GRANT)
    assert (await channels.find("slack", "A1/T1")).credentials == {}


async def test_another_tenants_account_is_refused_and_nothing_of_it_changes(
    installations, channels, tenant, other_tenant
):
    mine = await installations.save(tenant, GRANT)
    with pytest.raises(Conflict, match="has a channel already"):
        await installations.save(other_tenant, replace(GRANT, tokens=Tokens("xoxb-theirs")))
    assert await installations.list_all(other_tenant) == []
    assert (await channels.find("slack", "A1/T1")).tenant_id == tenant
    assert (await installations.of_channel(tenant, mine.channel_id)).tokens == GRANT.tokens


async def test_another_tenants_account_stays_theirs_also_when_it_was_revoked(
    installations, tenant, other_tenant
):
    mine = await installations.save(tenant, GRANT)
    await installations.revoke(tenant, mine.channel_id)
    with pytest.raises(Conflict):
        await installations.save(other_tenant, GRANT)


async def test_another_tenant_sees_nothing_of_an_installation(installations, tenant, other_tenant):
    mine = await installations.save(tenant, GRANT)
    assert await installations.list_all(other_tenant) == []
    with pytest.raises(NotFound):
        await installations.of_channel(other_tenant, mine.channel_id)
    with pytest.raises(NotFound):
        await installations.revoke(other_tenant, mine.channel_id)
    assert (await installations.of_channel(tenant, mine.channel_id)).tokens == GRANT.tokens


async def test_installed_many_times_at_once_it_is_one(installations, channels, tenant):
    grants = [replace(GRANT, tokens=Tokens(f"xoxb-{number}")) for number in range(8)]
    made = await asyncio.gather(*(installations.save(tenant, grant) for grant in grants))
    assert len({(each.id, each.channel_id) for each in made}) == 1
    [listed] = await installations.list_all(tenant)
    assert listed.token_version == 8
    assert len(await channels.list_all(tenant)) == 1


async def test_of_two_tenants_that_install_at_once_one_has_it(installations, channels, tenant, other_tenant):
    done = await asyncio.gather(
        installations.save(tenant, GRANT), installations.save(other_tenant, GRANT), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Installation"]
    [won] = [each for each in done if not isinstance(each, Conflict)]
    assert (await channels.find("slack", "A1/T1")).tenant_id == won.tenant_id


async def test_tokens_are_sealed_and_bound_to_their_installation(room, installations, tenant, clock):
    first = await installations.save(tenant, GRANT)
    second = await installations.save(tenant, replace(GRANT, team_id="T2", tokens=Tokens("xoxb-second")))
    async with room.database.tenant(tenant) as connection:
        sealed = await connection.fetchval(
            "select credentials from slack_installations where id = $1", first.id
        )
        assert b"xoxb" not in sealed
        await connection.execute(
            "update slack_installations set credentials = $1 where id = $2", sealed, second.id
        )
    installations.forget(tenant, second.channel_id)
    with pytest.raises(SealBroken):
        await installations.of_channel(tenant, second.channel_id)


async def test_a_revoked_installation_has_no_token_and_no_open_channel(
    room, installations, channels, tenant, clock
):
    made = await installations.save(tenant, GRANT, app_secrets={"signing_secret": "s"})
    await installations.of_channel(tenant, made.channel_id)
    clock.advance(timedelta(minutes=5))
    assert await installations.revoke(tenant, made.channel_id) is True
    found = await installations.of_channel(tenant, made.channel_id)
    assert (found.tokens, found.revoked_at, found.needs_reinstall) == (None, clock(), False)
    assert await channels.find("slack", "A1/T1") is None
    async with room.database.tenant(tenant) as connection:
        left = await connection.fetchval("select credentials from slack_installations where id = $1", made.id)
    assert left is None
    assert await installations.revoke(tenant, made.channel_id) is False


async def test_installed_again_after_it_was_revoked_it_works_again(installations, channels, tenant):
    made = await installations.save(tenant, GRANT)
    await installations.revoke(tenant, made.channel_id)
    again = await installations.save(tenant, replace(GRANT, tokens=Tokens("xoxb-again")))
    assert (again.id, again.revoked_at, again.tokens) == (made.id, None, Tokens("xoxb-again"))
    assert (await channels.find("slack", "A1/T1")).id == made.channel_id


async def test_installed_and_uninstalled_at_the_same_moment_it_is_one_of_the_two(
    installations, channels, tenant
):
    made = await installations.save(tenant, GRANT)
    for _ in range(5):
        await asyncio.gather(
            *(installations.save(tenant, GRANT) for _ in range(4)),
            *(installations.revoke(tenant, made.channel_id) for _ in range(4)),
        )
        found = await installations.of_channel(tenant, made.channel_id)
        assert (found.tokens is None) == (await channels.find("slack", "A1/T1") is None)


async def test_an_uninstall_that_is_told_late_does_not_undo_a_newer_installation(
    installations, tenant, clock
):
    uninstalled_at = clock()
    clock.advance(timedelta(minutes=1))
    made = await installations.save(tenant, GRANT)
    assert await installations.revoke(tenant, made.channel_id, told_at=uninstalled_at) is False
    assert (await installations.of_channel(tenant, made.channel_id)).tokens == GRANT.tokens
    clock.advance(timedelta(minutes=1))
    assert await installations.revoke(tenant, made.channel_id, told_at=clock()) is True


@pytest.mark.parametrize(
    "grant",
    [
        replace(GRANT, team_id=None),
        replace(GRANT, app_id="A1/T2"),
        replace(GRANT, app_id=""),
        replace(GRANT, team_id="T 1"),
        replace(GRANT, team_id="T" * 65),
        replace(GRANT, team_id="T1\0"),
    ],
)
async def test_what_cannot_be_an_account_is_refused(installations, channels, tenant, grant):
    with pytest.raises(Invalid):
        await installations.save(tenant, grant)
    assert await channels.list_all(tenant) == []


async def test_a_tenant_that_is_not_there_is_refused(installations):
    with pytest.raises(KeyMissing):
        await installations.save(uuid7(), GRANT)
