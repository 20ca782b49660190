from __future__ import annotations

import pytest

from storage.channels import Channels
from storage.installations import Grant, Installations, Tokens
from storage.slack_accounts import SlackAccounts


@pytest.fixture
async def tenant(room):
    return (await room.tenants.create("acme")).id


@pytest.fixture
def channels(room, clock):
    return Channels(room.database, room.vault, clock)


@pytest.fixture
def installations(room, channels, clock):
    return Installations(room.database, room.vault, channels, clock)


@pytest.fixture
def accounts(channels):
    return SlackAccounts(channels, ("process-new", "process-old"))


def in_team(team, app="A1"):
    return Grant(app, team, None, Tokens("xoxb-1"))


async def test_the_shared_app_is_checked_with_the_processs_secrets(installations, accounts, tenant):
    made = await installations.save(tenant, in_team("T1"))
    found = await accounts.find(["A1/T1"])
    assert (found.channel.id, found.channel.tenant_id) == (made.channel_id, tenant)
    assert (found.signing_secrets, found.is_open) == (("process-new", "process-old"), True)
    assert "process-new" not in repr(found)


async def test_a_tenants_own_app_is_checked_with_its_own_secrets_only(installations, accounts, tenant):
    await installations.save(tenant, in_team("T1", "A9"), app_secrets={"signing_secret": "own,older"})
    assert (await accounts.find(["A9/T1"])).signing_secrets == ("own", "older")


async def test_an_own_app_in_socket_mode_has_no_secret_so_nothing_is_taken_by_http(
    installations, accounts, tenant
):
    await installations.save(tenant, in_team("T1", "A9"), app_secrets={"app_token": "xapp-1"})
    assert (await accounts.find(["A9/T1"])).signing_secrets == ()


async def test_a_process_without_secret_has_no_candidates(installations, channels, tenant):
    await installations.save(tenant, in_team("T1"))
    assert (await SlackAccounts(channels).find(["A1/T1"])).signing_secrets == ()


@pytest.mark.parametrize(
    "asked", [[], [""], ["A1/T2"], ["A2/T1"], ["A1"], ["A1/T1\0", "x" * 100_000, "\ud800"]]
)
async def test_an_unknown_account_is_nobodys(installations, accounts, tenant, asked):
    await installations.save(tenant, in_team("T1"))
    assert await accounts.find(asked) is None


async def test_of_workspace_and_organisation_the_first_that_is_open_answers(installations, accounts, tenant):
    one = await installations.save(tenant, in_team("T1"))
    org = await installations.save(tenant, Grant("A1", None, "E1", Tokens("xoxb-2")))
    asked = ["A1/T1", "A1/E1"]
    assert (await accounts.find(asked)).channel.id == one.channel_id
    await installations.revoke(tenant, one.channel_id)
    assert (await accounts.find(asked)).channel.id == org.channel_id
    await installations.revoke(tenant, org.channel_id)
    left = await accounts.find(asked)
    assert (left.channel.id, left.is_open) == (one.channel_id, False)


async def test_a_disabled_account_is_still_known_with_its_secrets(installations, channels, accounts, tenant):
    made = await installations.save(tenant, in_team("T1"))
    await channels.update(tenant, made.channel_id, disabled=True)
    found = await accounts.find(["A1/T1"])
    assert (found.is_open, found.signing_secrets) == (False, ("process-new", "process-old"))


async def test_hits_and_misses_are_remembered(room, installations, accounts, tenant):
    await installations.save(tenant, in_team("T1"))
    await accounts.find(["A1/T1", "A1/T2"])
    await accounts.find(["A1/T2"])
    await room.database.close()
    assert (await accounts.find(["A1/T1"])).is_open
    assert await accounts.find(["A1/T2"]) is None


async def test_another_processs_change_is_seen_when_the_memory_ends(room, installations, tenant, clock):
    memory = Channels(room.database, room.another(), clock, life=0.0)
    made = await installations.save(tenant, in_team("T1"))
    elsewhere = SlackAccounts(memory, ("s",))
    assert (await elsewhere.find(["A1/T1"])).is_open
    await installations.revoke(tenant, made.channel_id)
    assert not (await elsewhere.find(["A1/T1"])).is_open
