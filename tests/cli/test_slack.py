"""`slack …` and Slack's channels, against servers by URL and a stand-in for Slack."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import yaml
from slack_side import failing, identity, slack_side

TOKEN = "xoxb-1234-5678-abcdefgh"
SECRET = "5" * 32
APP_TOKEN = "xapp-1-A1-2-abcdefgh"
ACME = ("--tenant", "acme")


@pytest.fixture
async def slack():
    async with slack_side() as side:
        yield side


@pytest.fixture
async def parley(deployed, slack):
    """Runs a command while the stand-in answers."""
    shell = deployed.with_environment(SLACK_API_BASE_URL=slack.api)

    async def run(*arguments, stdin=b"", **environment):
        return await asyncio.to_thread(shell.with_environment(**environment).run, *arguments, stdin=stdin)

    await run("tenant", "create", "acme")
    return run


async def test_a_workspace_is_connected_by_its_token_and_shown(parley, slack):
    made = await parley(
        "channel", "add", "slack", *ACME, "--token", TOKEN, "--signing-secret", SECRET, "--json"
    )
    shown = await parley("channel", "show", "slack", "A1/T1", *ACME, "--json")
    assert made.json == shown.json
    told = shown.json
    assert (told["account"], told["state"], told["team"], told["bot_user_id"]) == (
        "A1/T1",
        "open",
        "Acme",
        "U0BOT",
    )
    assert (told["own_app"], told["has_signing_secret"], told["has_app_token"]) == (True, True, False)
    [listed] = (await parley("channel", "list", *ACME, "--json")).json
    assert (listed["platform"], listed["state"], listed["team"], listed["bot"]) == (
        "slack",
        "open",
        "Acme",
        "U0BOT",
    )
    for done in (made, shown):
        assert TOKEN not in done.out
        assert SECRET not in done.out
    again = await parley(
        "channel", "add", "slack", *ACME, "--token", TOKEN, "--app-token", APP_TOKEN, "--json"
    )
    assert (again.json["id"], again.json["has_app_token"]) == (told["id"], True)


async def test_secrets_come_from_standard_input_and_the_token_from_the_environment(parley, slack):
    done = await parley(
        *("channel", "add", "slack", *ACME, "--token", "-", "--signing-secret", "-", "--app-token", "-"),
        stdin=f"{TOKEN}\n{SECRET}\n{APP_TOKEN}\n".encode(),
    )
    assert done.code == 0, done.err
    assert slack.calls[0].authorization == f"Bearer {TOKEN}"
    done = await parley(
        *("channel", "add", "slack", *ACME, "--json"), SLACK_BOT_TOKEN=TOKEN, SLACK_SIGNING_SECRET=SECRET
    )
    assert (done.json["own_app"], done.json["state"]) == (False, "open")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"ok": False, "error": "invalid_auth"}, "invalid_auth; copy the Bot User OAuth Token"),
        ({"ok": False, "error": "account_inactive"}, "install it again"),
        (failing(503), "http_503"),
        (identity(bot_id=None), "this is no bot's token"),
    ],
)
async def test_what_slack_refuses_is_not_connected(parley, slack, answer, said):
    slack.answer("auth.test", answer)
    done = await parley("channel", "add", "slack", *ACME, "--token", TOKEN, "--signing-secret", SECRET)
    assert (done.code, said in done.said, TOKEN in done.err) == (1, True, False)
    assert (await parley("channel", "list", *ACME, "--json")).json == []


async def test_another_tenants_workspace_is_refused(parley):
    add = ("channel", "add", "slack", "--token", TOKEN, "--signing-secret", SECRET, "--tenant")
    await parley(*add, "acme")
    await parley("tenant", "create", "other")
    done = await parley(*add, "other")
    assert (done.code, "'A1/T1' has a channel already" in done.said, "acme" in done.said) == (1, True, False)


async def test_a_workspace_of_which_nothing_would_come_in_is_refused(parley, slack):
    done = await parley("channel", "add", "slack", *ACME, "--token", TOKEN)
    assert (done.code, "give --signing-secret" in done.said, slack.calls) == (1, True, [])


async def test_a_disabled_workspace_is_shown_so_and_enabled_again(parley):
    await parley("channel", "add", "slack", *ACME, "--token", TOKEN, "--signing-secret", SECRET)
    named = ("slack", "A1/T1", *ACME, "--json")
    assert (await parley("channel", "disable", *named)).json["state"] == "disabled"
    assert (await parley("channel", "enable", *named)).json["state"] == "open"


async def test_a_revoked_workspace_is_shown_so_and_not_enabled_without_a_token(parley, database):
    await parley("channel", "add", "slack", *ACME, "--token", TOKEN, "--signing-secret", SECRET)
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("select set_config('parley.tenant_id', tenant_id::text, false) from tenants")
    await owner.execute("update slack_installations set credentials = null, revoked_at = now()")
    await owner.execute("update channels set disabled_at = now()")
    await owner.close()
    [listed] = (await parley("channel", "list", *ACME, "--json")).json
    assert listed["state"] == "revoked"
    done = await parley("channel", "enable", "slack", "A1/T1", *ACME)
    assert (done.code, "was uninstalled from A1/T1" in done.said) == (1, True)


async def test_an_install_link_is_for_a_tenant_and_a_while(parley):
    app = {
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "c" * 32,
        "PARLEY_PUBLIC_URL": "https://b.example",
    }
    made = (await parley("slack", "install-link", "--hours", "2", "--json", **app)).json
    link = urlsplit(made["link"])
    assert f"{link.scheme}://{link.netloc}{link.path}" == "https://b.example/slack/install"
    assert len(parse_qs(link.query)["tenant"][0]) == 76
    assert made["expires_at"]
    await parley("tenant", "create", "other")
    unnamed = await parley("slack", "install-link", **app)
    assert (unnamed.code, "name one with --tenant" in unnamed.said) == (1, True)
    lacking = await parley("slack", "install-link")
    assert (lacking.code, "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set" in lacking.said) == (1, True)


async def test_run_with_a_token_that_slack_refuses_ends_in_one_line(parley, slack):
    slack.answer("auth.test", {"ok": False, "error": "invalid_auth"})
    done = await parley("run", SLACK_BOT_TOKEN=TOKEN, SLACK_SIGNING_SECRET=SECRET)
    assert done.code == 1
    [line] = [line for line in done.err.splitlines() if line.startswith("parley: ")]
    assert "SLACK_BOT_TOKEN is refused: Slack's auth.test: invalid_auth" in line


class TestManifest:
    """Needs no server."""

    def test_it_is_for_the_public_address_in_json_and_yaml(self, shell):
        bot = shell.with_environment(PARLEY_PUBLIC_URL="https://bot.example/")
        made = json.loads(bot.run("slack", "manifest").out)
        assert made["settings"]["event_subscriptions"]["request_url"] == "https://bot.example/slack/events"
        assert made["display_information"]["name"] == "Ada at Parley Bank"
        assert yaml.safe_load(bot.run("slack", "manifest", "--yaml").out) == made
        assert json.loads(bot.run("slack", "manifest", "--tenant", "demo", "--json").out) == made
        other = json.loads(
            bot.run("slack", "manifest", "--public-url", "https://x.example", "--name", "Bo").out
        )
        assert other["oauth_config"]["redirect_urls"] == ["https://x.example/slack/oauth_redirect"]
        assert other["features"]["bot_user"]["display_name"] == "Bo"
        assert not shell.data_dir.exists()

    def test_token_rotation_is_on_unless_in_socket_mode_or_told_otherwise(self, shell):
        def rotates(*options):
            made = json.loads(shell.run("slack", "manifest", *options).out)
            return made["settings"]["token_rotation_enabled"]

        assert rotates("--public-url", "https://x.example") is True
        assert rotates("--public-url", "https://x.example", "--no-token-rotation") is False
        assert rotates("--socket-mode") is False
        assert rotates("--socket-mode", "--token-rotation") is True

    def test_in_socket_mode_no_address_is_needed(self, shell):
        for more in ({}, {"PARLEY_PUBLIC_URL": "http://localhost:8080"}):
            made = json.loads(shell.with_environment(**more).run("slack", "manifest", "--socket-mode").out)
            assert made["settings"]["socket_mode_enabled"] is True
            assert "redirect_urls" not in made["oauth_config"]

    @pytest.mark.parametrize(
        ("options", "environment", "code", "said"),
        [
            ((), {}, 1, "PARLEY_PUBLIC_URL is not set"),
            ((), {"PARLEY_PUBLIC_URL": "http://localhost:8080"}, 1, "it begins with https://"),
            (("--public-url", "http://x.example"), {}, 2, "it begins with https://"),
            (("--public-url", "https://x.example", "--json", "--yaml"), {}, 2, "one or the other"),
            (("--tenant", "No!", "--socket-mode"), {}, 1, "no tenant's slug"),
        ],
    )
    def test_what_is_lacking_or_wrong_is_said(self, shell, options, environment, code, said):
        done = shell.with_environment(**environment).run("slack", "manifest", *options)
        assert (done.code, said in done.said) == (code, True), done.err
