"""Installing, renewing and connecting against the emulated Slack, from the consent page on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession, DummyCookieJar
from commands import ROOT
from house import open_house
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.manifest import BOT_SCOPES
from bot.emulators.slack.server import SlackEmulator
from bot.slack.access import SlackAccess
from bot.slack.connecting import GivenTokens

BOTS = ROOT / "config" / "tenants"
PUBLIC = "http://bot.test"


@pytest.fixture
async def slack(clock):
    async with SlackEmulator(app_url=PUBLIC, clock=lambda: clock().timestamp()) as emulator:
        yield emulator


@pytest.fixture
async def house(database, redis_url, clock, slack):
    app = slack.app
    access = SlackAccess(PUBLIC, slack.api_url, app.client_id, app.client_secret, (app.signing_secret,))
    async with open_house(database, redis_url, BOTS, {}, clock, slack=access) as house:
        yield house


@pytest.fixture
async def acme(house):
    return (await house.runtime.tenants.create("acme")).id


async def visit(house, tenant_id, workspace, *, allow=True):
    """Somebody opens the tenant's link, answers Slack's question and comes back."""
    link = house.runtime.slack.links.url(PUBLIC, tenant_id)[0]
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        begun = await http.get(link.replace(PUBLIC, house.url), allow_redirects=False)
        where = begun.headers["Location"]
        page = await (await http.get(where)).text()
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        form |= {"tenant": workspace.id, "allow": "1" if allow else "0"}
        decided = await http.post(where.partition("?")[0], data=form, allow_redirects=False)
        back = urlsplit(decided.headers["Location"])
        cookie = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0]}
        done = await http.get(f"{house.url}{back.path}?{back.query}", headers=cookie)
        return done.status, await done.text()


async def test_whoever_allows_it_has_the_bot_with_a_token_that_works(house, acme, slack):
    second = slack.add_workspace("Second")
    slack.platform.directory.add_user(second.id, "Cleo Vance")
    assert (await visit(house, acme, second))[0] == 200
    [made] = await house.runtime.slack.installations.list_all(acme)
    assert (made.account, made.team_name) == (f"{slack.app_id}/{second.id}", "Second")
    assert set(BOT_SCOPES) <= set(made.scopes)
    said = await AsyncWebClient(made.tokens.access, slack.api_url).auth_test()
    assert (said["team_id"], said["user_id"]) == (second.id, made.bot_user_id)


async def test_whoever_cancels_has_nothing(house, acme, slack):
    status, text = await visit(house, acme, slack.workspace, allow=False)
    assert (status, "Nothing was installed" in text) == (200, True)
    assert await house.runtime.slack.installations.list_all(acme) == []


async def test_tokens_are_renewed_for_as_long_as_the_app_is_there(house, acme, slack, clock):
    apps = slack.platform.directory.apps
    apps[slack.app_id] = replace(slack.app, rotates_tokens=True)
    assert (await visit(house, acme, slack.workspace))[0] == 200
    seen = set()
    for _ in range(3):
        [made] = await house.runtime.slack.installations.list_all(acme)
        seen.add(made.tokens.access)
        clock.advance(timedelta(hours=11))
        assert (await house.runtime.sweeper.sweep())["slack_tokens_renewed"] == 1
    assert len(seen) == 3
    slack.platform.uninstall(slack.platform.directory.installations[0])
    clock.advance(timedelta(hours=11))
    assert (await house.runtime.sweeper.sweep())["slack_tokens_renewed"] == 0
    [made] = await house.runtime.slack.installations.list_all(acme)
    assert (made.needs_reinstall, "invalid_refresh_token" in made.refresh_error) == (True, True)


async def test_a_workspace_is_connected_by_its_token(house, acme, slack):
    given = GivenTokens(slack.bot_token)
    made = await house.runtime.slack.connector.connect(acme, given, also_of=slack.app.app_token)
    assert made.account == f"{slack.app_id}/{slack.workspace.id}"
    assert made.bot_user_id == slack.installation.bot_user_id
