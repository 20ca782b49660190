from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from storage.channels import Channels
from storage.installations import Grant, Installations, Tokens
from storage.token_refreshes import TokenRefreshes

HOURS = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def tenant(room):
    return (await room.tenants.create("acme")).id


@pytest.fixture
def installations(room, clock):
    return Installations(room.database, room.vault, Channels(room.database, room.vault, clock), clock)


@pytest.fixture
def refreshes(room, installations, clock):
    return TokenRefreshes(room.database, room.vault, installations, clock)


@pytest.fixture
def install(installations, tenant, clock):
    async def done(tokens=None, team="T1"):
        tokens = tokens or Tokens("xoxe.xoxb-1", "xoxe-1", clock() + 12 * HOURS)
        return await installations.save(tenant, Grant("A1", team, None, tokens))

    return done


async def test_a_token_is_due_two_hours_before_its_end(refreshes, install, tenant, clock):
    made = await install()
    assert made.refresh_at == clock() + 10 * HOURS
    clock.advance(10 * HOURS - timedelta(seconds=1))
    assert await refreshes.claim(tenant) == []
    clock.advance(timedelta(seconds=1))
    [claimed] = await refreshes.claim(tenant)
    assert (claimed.id, claimed.tokens) == (made.id, made.tokens)


async def test_what_lasts_what_cannot_be_renewed_and_what_was_revoked_is_never_due(
    installations, refreshes, install, tenant, clock
):
    lasting = await install(Tokens("xoxb-1"), "T1")
    ending = await install(Tokens("xoxe.xoxb-2", None, clock() + 12 * HOURS), "T2")
    revoked = await install(team="T3")
    await installations.revoke(tenant, revoked.channel_id)
    clock.advance(20 * HOURS)
    assert await refreshes.claim(tenant) == []
    assert (lasting.needs_reinstall, ending.needs_reinstall) == (False, True)


async def test_a_token_is_claimed_once_at_a_time_and_again_a_minute_later(refreshes, install, tenant, clock):
    await install()
    clock.advance(10 * HOURS)
    claims = await asyncio.gather(*(refreshes.claim(tenant) for _ in range(5)))
    assert sorted(map(len, claims)) == [0, 0, 0, 0, 1]
    clock.advance(MINUTE - timedelta(seconds=1))
    assert await refreshes.claim(tenant) == []
    clock.advance(timedelta(seconds=1))
    assert len(await refreshes.claim(tenant)) == 1


async def test_new_tokens_are_seen_and_due_in_their_turn(installations, refreshes, install, tenant, clock):
    await install()
    clock.advance(10 * HOURS)
    [claimed] = await refreshes.claim(tenant)
    new = Tokens("xoxe.xoxb-2", "xoxe-2", clock() + 12 * HOURS)
    await installations.of_channel(tenant, claimed.channel_id)
    assert await refreshes.replace(claimed, new) is True
    found = await installations.of_channel(tenant, claimed.channel_id)
    assert (found.tokens, found.refresh_at, found.refresh_error) == (new, clock() + 10 * HOURS, None)


async def test_of_many_that_refreshed_one_wins_and_the_others_write_nothing(
    installations, refreshes, install, tenant, clock
):
    await install()
    clock.advance(10 * HOURS)
    [claimed] = await refreshes.claim(tenant)
    news = [Tokens(f"xoxe.xoxb-{n}", f"xoxe-{n}", clock() + 12 * HOURS) for n in range(10)]
    done = await asyncio.gather(*(refreshes.replace(claimed, tokens) for tokens in news))
    assert done.count(True) == 1
    found = await installations.of_channel(tenant, claimed.channel_id)
    assert found.tokens == news[done.index(True)]
    assert found.token_version == claimed.token_version + 1
    assert await refreshes.note_failure(claimed, "invalid_refresh_token", final=True) is False
    assert (await installations.of_channel(tenant, claimed.channel_id)).needs_reinstall is False


async def test_a_refresh_of_what_was_installed_anew_or_revoked_meanwhile_writes_nothing(
    installations, refreshes, install, tenant, clock
):
    await install()
    clock.advance(10 * HOURS)
    [claimed] = await refreshes.claim(tenant)
    newer = await install()
    late = Tokens("xoxe.xoxb-late", "xoxe-late", clock() + 12 * HOURS)
    assert await refreshes.replace(claimed, late) is False
    assert (await installations.of_channel(tenant, claimed.channel_id)).tokens == newer.tokens
    await installations.revoke(tenant, claimed.channel_id)
    for stale in (claimed, newer):
        assert await refreshes.replace(stale, late) is False
        assert await refreshes.note_failure(stale, "x", final=False) is False
    assert (await installations.of_channel(tenant, claimed.channel_id)).tokens is None


async def test_failures_are_kept_and_make_the_pauses_longer_but_no_longer_than_half_an_hour(
    installations, refreshes, install, tenant, clock
):
    await install()
    clock.advance(10 * HOURS)
    pauses = []
    for _ in range(14):
        [claimed] = await refreshes.claim(tenant)
        assert await refreshes.note_failure(claimed, "internal_error", final=False) is True
        pauses.append(claimed.refresh_at - clock())
        clock.advance(pauses[-1])
    assert [pause // MINUTE for pause in pauses[:6]] == [1, 2, 4, 8, 16, 30]
    assert set(pauses[5:]) == {30 * MINUTE}
    found = await installations.of_channel(tenant, claimed.channel_id)
    assert (found.refresh_error, found.needs_reinstall) == ("internal_error", False)


async def test_after_a_final_failure_only_a_new_installation_helps(
    installations, refreshes, install, tenant, clock
):
    made = await install()
    clock.advance(10 * HOURS)
    [claimed] = await refreshes.claim(tenant)
    await refreshes.note_failure(claimed, "invalid_refresh_token", final=True)
    found = await installations.of_channel(tenant, made.channel_id)
    assert (found.needs_reinstall, found.refresh_error) == (True, "invalid_refresh_token")
    clock.advance(24 * HOURS)
    assert await refreshes.claim(tenant) == []
    again = await install()
    assert (again.needs_reinstall, again.refresh_error) == (False, None)


async def test_another_tenants_tokens_are_not_due_here(room, refreshes, install, clock):
    await install()
    other = (await room.tenants.create("other")).id
    clock.advance(10 * HOURS)
    assert await refreshes.claim(other) == []
