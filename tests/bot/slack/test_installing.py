"""A whole runtime: a link, consent, an installation in the database, and the environment's own workspace."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, DummyCookieJar
from commands import ROOT
from house import open_house
from slack_side import CLIENT_ID, CLIENT_SECRET, failing, grant, identity, slack_side

from bot.demo import ensure_demo, ensure_slack
from bot.errors import Failed
from bot.slack.access import SlackAccess
from config.errors import ConfigError
from config.settings import Settings

BOTS = ROOT / "config" / "tenants"
SECRET = "5" * 32
BOT_TOKEN = "xoxb-1234-5678-abcdefgh"
APP_TOKEN = "xapp-1-A1-2-abcdefgh"


@pytest.fixture
async def slack():
    async with slack_side() as side:
        yield side


@pytest.fixture
async def house(database, redis_url, clock, slack):
    access = SlackAccess("https://bot.example", slack.api, CLIENT_ID, CLIENT_SECRET, (SECRET,))
    async with open_house(database, redis_url, BOTS, {}, clock, slack=access) as house:
        yield house


@asynccontextmanager
async def browser():
    async with ClientSession(cookie_jar=DummyCookieJar()) as http:
        yield http


async def consent(house, tenant_id, code="c"):
    """Open a link of the tenant's and come back from Slack; status and page."""
    link = urlsplit(house.runtime.slack.links.url("", tenant_id)[0])
    async with browser() as http:
        begun = await http.get(f"{house.url}{link.path}?{link.query}", allow_redirects=False)
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        cookie = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0]}
        done = await http.get(
            f"{house.url}/slack/oauth_redirect", params={"state": state, "code": code}, headers=cookie
        )
        return done.status, await done.text()


async def test_a_workspace_installs_for_the_tenant_of_its_link(house):
    runtime = house.runtime
    acme, other = await runtime.tenants.create("acme"), await runtime.tenants.create("other")
    assert (await consent(house, acme.id))[0] == 200
    account = await runtime.slack.accounts.find(["A1/T1"])
    assert (account.channel.tenant_id, account.signing_secrets, account.is_open) == (acme.id, (SECRET,), True)
    installation = await runtime.slack.installations.of_channel(acme.id, account.channel.id)
    assert installation.tokens.access == "xoxb-granted"
    status, text = await consent(house, other.id)
    assert (status, "another bot of this server" in text, "acme" in text) == (409, True, False)
    assert await runtime.slack.installations.list_all(other.id) == []


async def test_many_workspaces_and_an_organisation_live_in_one_process(house, slack):
    runtime = house.runtime
    acme, other = await runtime.tenants.create("acme"), await runtime.tenants.create("other")
    for tenant, granted in (
        (acme, grant()),
        (other, grant(team={"id": "T2", "name": "Two"}, access_token="xoxb-two")),
        (other, grant(team=None, enterprise={"id": "E1", "name": "Org"}, is_enterprise_install=True)),
    ):
        slack.granted = granted
        assert (await consent(house, tenant.id))[0] == 200
    owners = {
        account: (await runtime.slack.accounts.find([account])).channel.tenant_id
        for account in ("A1/T1", "A1/T2", "A1/E1")
    }
    assert owners == {"A1/T1": acme.id, "A1/T2": other.id, "A1/E1": other.id}


async def test_what_was_uninstalled_can_be_installed_again(house):
    runtime = house.runtime
    acme = await runtime.tenants.create("acme")
    await consent(house, acme.id)
    [made] = await runtime.slack.installations.list_all(acme.id)
    await runtime.slack.installations.revoke(acme.id, made.channel_id)
    assert (await runtime.slack.accounts.find(["A1/T1"])).is_open is False
    assert (await consent(house, acme.id))[0] == 200
    assert (await runtime.slack.accounts.find(["A1/T1"])).is_open is True


async def test_the_clock_renews_what_is_due(house, slack, clock):
    runtime = house.runtime
    acme = await runtime.tenants.create("acme")
    slack.granted = grant(access_token="xoxe.xoxb-1", refresh_token="xoxe-1", expires_in=43200)
    await consent(house, acme.id)
    slack.granted = grant(access_token="xoxe.xoxb-2", refresh_token="xoxe-2", expires_in=43200)
    assert (await runtime.sweeper.sweep())["slack_tokens_renewed"] == 0
    clock.advance(timedelta(hours=11))
    assert (await runtime.sweeper.sweep())["slack_tokens_renewed"] == 1
    [found] = await runtime.slack.installations.list_all(acme.id)
    assert found.tokens.access == "xoxe.xoxb-2"


class TestEnvironment:
    """`run` connects the demo tenant to the workspace of SLACK_BOT_TOKEN."""

    @pytest.fixture
    async def runtime(self, house):
        await ensure_demo(house.runtime)
        return house.runtime

    @staticmethod
    def settings(**given):
        return Settings.model_construct(**given)

    async def test_it_is_the_demo_tenants_channel_each_time_it_starts(self, runtime):
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_signing_secret=SECRET)
        for _ in range(3):
            assert await ensure_slack(runtime, settings) == "Slack: connected to Acme"
        demo = await runtime.tenants.find("demo")
        [installation] = await runtime.slack.installations.list_all(demo.id)
        assert (installation.account, installation.tokens.access) == ("A1/T1", BOT_TOKEN)
        assert (await runtime.slack.accounts.find(["A1/T1"])).signing_secrets == (SECRET,)
        assert (await runtime.channels.find("slack", "A1/T1")).credentials == {}

    async def test_in_socket_mode_the_app_level_token_stays_in_the_environment(self, runtime, slack):
        slack.answer("bots.info", {"ok": False, "error": "missing_scope"})
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_app_token=APP_TOKEN)
        assert await ensure_slack(runtime, settings) == "Slack: connected to Acme"
        assert (await runtime.channels.find("slack", "A1/T1")).credentials == {}

    async def test_without_anything_of_slack_there_is_nothing_to_say(self, runtime, slack):
        assert await ensure_slack(runtime, self.settings()) is None
        assert slack.calls == []

    async def test_with_an_app_to_install_the_link_is_shown(self, runtime):
        settings = self.settings(
            slack_client_id=CLIENT_ID,
            slack_client_secret=CLIENT_SECRET,
            parley_public_url="https://b.example/",
        )
        line = await ensure_slack(runtime, settings)
        link = next(
            word for word in line.split() if word.startswith("https://b.example/slack/install?tenant=")
        )
        token = parse_qs(urlsplit(link).query)["tenant"][0]
        assert runtime.slack.links.read(token) == (await runtime.tenants.find("demo")).id

    async def test_a_token_with_which_nothing_would_come_in_is_named(self, runtime, slack):
        with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET or SLACK_APP_TOKEN is not set"):
            await ensure_slack(runtime, self.settings(slack_bot_token=BOT_TOKEN))
        assert slack.calls == []

    @pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked"])
    async def test_a_token_that_slack_refuses_ends_the_start_in_one_line(self, runtime, slack, error):
        slack.answer("auth.test", {"ok": False, "error": error})
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_signing_secret=SECRET)
        with pytest.raises(Failed) as caught:
            await ensure_slack(runtime, settings)
        text = str(caught.value)
        assert text.startswith("SLACK_BOT_TOKEN is refused: Slack's auth.test: " + error)
        assert ("\n" in text, BOT_TOKEN in text) == (False, False)

    async def test_slack_that_cannot_be_reached_keeps_nothing_from_starting(self, runtime, slack):
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_signing_secret=SECRET)
        await ensure_slack(runtime, settings)
        slack.answer("auth.test", failing(503))
        assert "Slack cannot be reached (http_503)" in await ensure_slack(runtime, settings)
        assert (await runtime.slack.accounts.find(["A1/T1"])).is_open

    async def test_a_workspace_of_another_tenant_is_refused(self, runtime, house):
        other = await runtime.tenants.create("other")
        await consent(house, other.id)
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_signing_secret=SECRET)
        with pytest.raises(Failed, match="another tenant"):
            await ensure_slack(runtime, settings)

    async def test_tokens_of_two_apps_are_refused(self, runtime, slack):
        slack.identity = identity(app_id="A2")
        settings = self.settings(slack_bot_token=BOT_TOKEN, slack_app_token=APP_TOKEN)
        with pytest.raises(Failed, match="is of app A2"):
            await ensure_slack(runtime, settings)
