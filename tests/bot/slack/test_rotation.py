"""Tokens are renewed before they end, once, and what goes wrong is seen and does not loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from slack_side import CLIENT_ID, CLIENT_SECRET, cut, failing, grant, slack_side
from vaults import strongroom

from adapters.slack.oauth import SlackApp
from bot.slack.rotation import SlackRotation
from storage.channels import Channels
from storage.errors import Unavailable
from storage.installations import Grant, Installations, Tokens
from storage.token_refreshes import TokenRefreshes

METHOD = "oauth.v2.access"
HOUR = timedelta(hours=1)


@pytest.fixture
async def slack():
    async with slack_side() as side:
        side.granted = grant(access_token="xoxe.xoxb-2", refresh_token="xoxe-2", expires_in=43200)
        yield side


@pytest.fixture
async def room(database):
    async with strongroom(database) as room:
        yield room


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
def app(slack, clock):
    return SlackApp(CLIENT_ID, CLIENT_SECRET, clock, slack.api)


@pytest.fixture
async def due(installations, tenant, clock):
    """An installation whose token ends in two hours."""
    tokens = Tokens("xoxe.xoxb-1", "xoxe-1", clock() + 12 * HOUR)
    made = await installations.save(tenant, Grant("A1", "T1", None, tokens))
    clock.advance(10 * HOUR)
    return made


async def test_a_token_that_ends_soon_is_renewed_with_its_refresh_token(
    refreshes, app, installations, tenant, due, slack, clock
):
    assert await SlackRotation(refreshes, app).rotate(tenant) == 1
    found = await installations.of_channel(tenant, due.channel_id)
    assert found.tokens == Tokens("xoxe.xoxb-2", "xoxe-2", clock() + 12 * HOUR)
    assert slack.forms(METHOD) == [{"grant_type": "refresh_token", "refresh_token": "xoxe-1"}]
    assert await SlackRotation(refreshes, app).rotate(tenant) == 0


async def test_several_clocks_renew_it_once(refreshes, app, tenant, due, slack):
    done = await asyncio.gather(*(SlackRotation(refreshes, app).rotate(tenant) for _ in range(5)))
    assert sorted(done) == [0, 0, 0, 0, 1]
    assert len(slack.calls) == 1


async def test_a_refresh_token_that_slack_took_back_ends_the_tries(
    refreshes, app, installations, tenant, due, slack, clock
):
    slack.answer(METHOD, {"ok": False, "error": "invalid_refresh_token"})
    rotation = SlackRotation(refreshes, app)
    assert await rotation.rotate(tenant) == 0
    found = await installations.of_channel(tenant, due.channel_id)
    assert (found.needs_reinstall, "invalid_refresh_token" in found.refresh_error) == (True, True)
    assert found.tokens == due.tokens
    clock.advance(6 * HOUR)
    assert await rotation.rotate(tenant) == 0
    assert len(slack.calls) == 1


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (failing(503), "http_503"),
        (failing(429, "", {"Retry-After": "30"}), "ratelimited"),
        (cut, "unreachable"),
        ({"ok": False, "error": "bad_client_secret"}, "bad_client_secret"),
    ],
)
async def test_what_may_pass_is_tried_again_a_minute_later_and_seen_meanwhile(
    refreshes, app, installations, tenant, due, slack, clock, answered, said
):
    slack.answer(METHOD, answered)
    rotation = SlackRotation(refreshes, app)
    for _ in range(3):
        assert await rotation.rotate(tenant) == 0
    assert len(slack.calls) == 1
    found = await installations.of_channel(tenant, due.channel_id)
    assert (said in found.refresh_error, found.needs_reinstall) == (True, False)
    assert "xoxe" not in found.refresh_error
    clock.advance(timedelta(minutes=1))
    assert await rotation.rotate(tenant) == 1
    assert (await installations.of_channel(tenant, due.channel_id)).refresh_error is None


async def test_without_the_apps_secret_it_is_said_what_is_missing(
    refreshes, installations, tenant, due, slack
):
    assert await SlackRotation(refreshes, None).rotate(tenant) == 0
    found = await installations.of_channel(tenant, due.channel_id)
    assert "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set" in found.refresh_error
    assert slack.calls == []


async def test_one_that_fails_keeps_no_other_from_its_turn(
    refreshes, app, installations, tenant, due, slack, clock
):
    tokens = Tokens("xoxe.xoxb-9", "xoxe-9", clock() + HOUR)
    second = await installations.save(tenant, Grant("A1", "T2", None, tokens))
    slack.answer(METHOD, failing(500))
    assert await SlackRotation(refreshes, app).rotate(tenant) == 1
    found = [await installations.of_channel(tenant, each.channel_id) for each in (due, second)]
    assert [each.tokens.access for each in found].count("xoxe.xoxb-2") == 1
    assert len([each for each in found if each.refresh_error]) == 1


async def test_a_new_installation_meanwhile_is_not_overwritten(
    refreshes, app, installations, tenant, due, slack
):
    newer = Grant("A1", "T1", None, Tokens("xoxb-newer"))

    async def reinstall(_):
        await installations.save(tenant, newer)
        return await failing(500)(_)

    slack.answer(METHOD, reinstall)
    assert await SlackRotation(refreshes, app).rotate(tenant) == 0
    found = await installations.of_channel(tenant, due.channel_id)
    assert (found.tokens, found.refresh_error) == (newer.tokens, None)


class Stumbling:
    """A store that is away for the first writes of new tokens."""

    def __init__(self, refreshes, times):
        self._refreshes = refreshes
        self._left = times
        self.claim = refreshes.claim
        self.note_failure = refreshes.note_failure

    async def replace(self, claimed, tokens):
        if self._left:
            self._left -= 1
            raise Unavailable("Postgres is away")
        return await self._refreshes.replace(claimed, tokens)


async def test_new_tokens_survive_a_short_outage_of_the_database(
    refreshes, app, installations, tenant, due, slack
):
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    rotation = SlackRotation(Stumbling(refreshes, 3), app, sleep=sleep)
    assert await rotation.rotate(tenant) == 1
    assert (await installations.of_channel(tenant, due.channel_id)).tokens.access == "xoxe.xoxb-2"
    assert (len(pauses), len(slack.calls)) == (3, 1)


async def test_a_long_outage_has_a_last_try(refreshes, app, tenant, due):
    async def sleep(_):
        return

    with pytest.raises(Unavailable):
        await SlackRotation(Stumbling(refreshes, 100), app, sleep=sleep).rotate(tenant)
