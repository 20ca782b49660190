"""What the adapter asks of Slack when a workspace installs the app, and what it makes of the answers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from slack_side import CLIENT_ID, CLIENT_SECRET, basic, cut, failing, grant, identity, json_body, slack_side

from adapters.errors import PlatformFailed
from adapters.slack.identity import app_of_token, identify
from adapters.slack.oauth import SlackApp
from storage.installations import Tokens

METHOD = "oauth.v2.access"


@pytest.fixture
async def slack():
    async with slack_side() as side:
        yield side


@pytest.fixture
def app(slack, clock):
    return SlackApp(CLIENT_ID, CLIENT_SECRET, clock, slack.api)


def test_consent_is_asked_for_beside_the_api_with_every_value_quoted(clock):
    app = SlackApp("1.2", "s", clock)
    url = app.authorize_url("a b&c=d", "https://x.example/cb?a=1&b", ["chat:write", "im:history"])
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "slack.com", "/oauth/v2/authorize")
    assert parse_qs(parts.query) == {
        "client_id": ["1.2"],
        "state": ["a b&c=d"],
        "redirect_uri": ["https://x.example/cb?a=1&b"],
        "scope": ["chat:write,im:history"],
    }
    elsewhere = SlackApp("1.2", "s", clock, "http://127.0.0.1:1/api/")
    assert elsewhere.authorize_url("s", "x", []).startswith("http://127.0.0.1:1/oauth/v2/authorize?")


def test_the_secret_is_not_shown(clock):
    assert "hunter2" not in repr(SlackApp("1.2", "hunter2", clock))


async def test_a_code_becomes_what_was_granted(app, slack):
    made = await app.exchange("code-1", "https://bot.example/cb")
    assert (made.account, made.team_name, made.bot_user_id, made.installed_by) == (
        "A1/T1",
        "Acme",
        "U0BOT",
        "U1",
    )
    assert (made.tokens, made.scopes) == (Tokens("xoxb-granted"), ("app_mentions:read", "chat:write"))
    [call] = slack.calls
    assert (call.method, basic(call)) == (METHOD, (CLIENT_ID, CLIENT_SECRET))
    assert call.form == {"code": "code-1", "redirect_uri": "https://bot.example/cb"}


async def test_a_token_that_ends_comes_with_its_end_and_a_way_to_renew_it(app, slack, clock):
    slack.granted = grant(access_token="xoxe.xoxb-1", refresh_token="xoxe-1", expires_in=43200)
    made = await app.exchange("code-1", "x")
    assert made.tokens == Tokens("xoxe.xoxb-1", "xoxe-1", clock() + timedelta(hours=12))


async def test_an_organisations_grant_has_no_team(app, slack):
    slack.granted = grant(team=None, enterprise={"id": "E1", "name": "Org"}, is_enterprise_install=True)
    made = await app.exchange("code-1", "x")
    assert (made.account, made.team_id, made.enterprise_id, made.team_name) == ("A1/E1", None, "E1", "Org")


async def test_a_workspace_of_an_organisation_keeps_its_own_account(app, slack):
    slack.granted = grant(enterprise={"id": "E1", "name": "Org"})
    made = await app.exchange("code-1", "x")
    assert (made.account, made.enterprise_id, made.team_name) == ("A1/T1", "E1", "Acme")


async def test_tokens_are_renewed_by_the_refresh_token(app, slack, clock):
    slack.granted = grant(access_token="xoxe.xoxb-2", refresh_token="xoxe-2", expires_in=43200)
    tokens = await app.refresh("xoxe-1")
    assert tokens == Tokens("xoxe.xoxb-2", "xoxe-2", clock() + timedelta(hours=12))
    assert slack.forms(METHOD) == [{"grant_type": "refresh_token", "refresh_token": "xoxe-1"}]


@pytest.mark.parametrize(
    "answer",
    [
        grant(app_id=None),
        grant(app_id="A/1"),
        grant(team=None),
        grant(team="T1"),
        grant(team={"id": 5}),
        grant(team=None, enterprise={"id": "E1"}),
        grant(team=None, enterprise=None, is_enterprise_install=True),
        grant(team={"id": "T1"}, enterprise=None, is_enterprise_install=True),
        grant(token_type="user"),
        grant(access_token=None),
        grant(access_token=""),
        grant(access_token=["x"]),
        grant(access_token="xoxb-é"),
        grant(expires_in="soon", refresh_token="x"),
        grant(expires_in=0, refresh_token="x"),
        grant(expires_in=True, refresh_token="x"),
        grant(expires_in=10**12, refresh_token="x"),
    ],
)
async def test_an_answer_that_grants_nothing_is_refused(app, slack, answer):
    slack.granted = answer
    with pytest.raises(PlatformFailed) as caught:
        await app.exchange("code-1", "x")
    assert (caught.value.code, caught.value.permanent) == ("unfit_answer", True)
    assert "xoxb" not in str(caught.value)


async def test_a_grant_may_lack_what_is_for_people_only(app, slack):
    slack.granted = grant(authed_user=None, scope=None, bot_user_id=None, team={"id": "T1"})
    made = await app.exchange("code-1", "x")
    assert (made.team_name, made.installed_by, made.scopes) == (None, None, ())


@pytest.mark.parametrize(
    ("answer", "code", "permanent", "retry_after"),
    [
        ({"ok": False, "error": "invalid_code"}, "invalid_code", True, None),
        ({"ok": False, "error": "internal_error"}, "internal_error", False, None),
        ({"ok": False, "error": "<script>"}, "no_answer", False, None),
        ({"ok": False}, "no_answer", False, None),
        (failing(429, "", {"Retry-After": "30"}), "ratelimited", False, 30.0),
        (failing(429, "", {"Retry-After": "9" * 20}), "ratelimited", False, 3600.0),
        (failing(429, "", {"Retry-After": "soon"}), "ratelimited", False, None),
        (failing(500), "http_500", False, None),
        (failing(503, "<html>down</html>"), "http_503", False, None),
        (failing(404, "<html>"), "http_404", True, None),
        (failing(200, "<html>login</html>"), "no_answer", False, None),
        (json_body("{"), "no_answer", False, None),
        (json_body("[]"), "no_answer", False, None),
        (json_body("[1]"), "no_answer", False, None),
        (json_body("5"), "no_answer", False, None),
        (json_body("null"), "no_answer", False, None),
        (cut, "unreachable", False, None),
    ],
)
async def test_what_slack_does_not_do_says_whether_to_ask_again(
    app, slack, answer, code, permanent, retry_after
):
    slack.answer(METHOD, answer)
    with pytest.raises(PlatformFailed) as caught:
        await app.exchange("secret-code", "x")
    failed = caught.value
    assert (failed.code, failed.permanent, failed.retry_after) == (code, permanent, retry_after)
    assert len(slack.calls) == 1  # nothing is sent twice
    assert "secret-code" not in str(failed)
    assert "\n" not in str(failed)
    assert failed.__cause__ is None


async def test_slack_that_is_not_there_is_unreachable(clock, unused_tcp_port):
    app = SlackApp("1.2", "s", clock, f"http://127.0.0.1:{unused_tcp_port}/api/")
    with pytest.raises(PlatformFailed, match="unreachable") as caught:
        await app.refresh("xoxe-1")
    assert not caught.value.permanent


class TestIdentify:
    async def test_a_bots_token_is_of_a_workspace_and_an_app(self, slack):
        made = await identify("xoxb-1", api_base_url=slack.api)
        assert (made.account, made.team_name, made.bot_user_id, made.bot_id) == (
            "A1/T1",
            "Acme",
            "U0BOT",
            "B1",
        )
        assert made.tokens == Tokens("xoxb-1")
        assert [call.method for call in slack.calls] == ["auth.test", "bots.info"]
        assert {call.authorization for call in slack.calls} == {"Bearer xoxb-1"}
        assert slack.forms("bots.info") == [{"bot": "B1"}]

    async def test_scopes_are_those_of_the_answers_header(self, slack):
        async def answer(_):
            return web.json_response(identity(), headers={"X-OAuth-Scopes": "chat:write, im:history"})

        slack.answer("auth.test", answer)
        assert (await identify("xoxb-1", api_base_url=slack.api)).scopes == ("chat:write", "im:history")

    async def test_an_organisations_token_has_no_team(self, slack):
        slack.identity = identity(team_id="E1", enterprise_id="E1", is_enterprise_install=True)
        assert (await identify("xoxb-1", api_base_url=slack.api)).account == "A1/E1"

    async def test_the_app_may_be_told_by_auth_test_itself(self, slack):
        slack.identity = identity(app_id="A7")
        assert (await identify("xoxb-1", api_base_url=slack.api)).account == "A7/T1"
        assert [call.method for call in slack.calls] == ["auth.test"]

    @pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "bot_not_found"])
    async def test_without_users_read_the_app_level_token_names_the_app(self, slack, error):
        slack.answer("bots.info", {"ok": False, "error": error})
        made = await identify("xoxb-1", app_token="xapp-1-A1-2-abc", api_base_url=slack.api)
        assert made.account == "A1/T1"

    async def test_an_app_that_nothing_names_is_refused_with_what_to_do(self, slack):
        slack.answer("bots.info", {"ok": False, "error": "missing_scope"})
        with pytest.raises(PlatformFailed, match="users:read") as caught:
            await identify("xoxb-1", api_base_url=slack.api)
        assert caught.value.permanent

    async def test_tokens_of_two_apps_are_refused(self, slack):
        with pytest.raises(PlatformFailed, match="app A1, the app-level token of A2"):
            await identify("xoxb-1", app_token="xapp-1-A2-2-abc", api_base_url=slack.api)

    async def test_a_token_that_ends_is_refused_before_slack_is_asked(self, slack):
        with pytest.raises(PlatformFailed, match="ends within twelve hours"):
            await identify("xoxe.xoxb-1", api_base_url=slack.api)
        assert slack.calls == []

    async def test_a_persons_token_is_no_bots(self, slack):
        del slack.identity["bot_id"]
        with pytest.raises(PlatformFailed, match="no bot's token"):
            await identify("xoxp-1", api_base_url=slack.api)

    @pytest.mark.parametrize("method", ["auth.test", "bots.info"])
    async def test_an_outage_is_no_answer_about_the_token(self, slack, method):
        slack.answer(method, failing(503))
        with pytest.raises(PlatformFailed) as caught:
            await identify("xoxb-1", app_token="xapp-1-A1-2-abc", api_base_url=slack.api)
        assert (caught.value.permanent, caught.value.code) == (False, "http_503")

    @pytest.mark.parametrize("error", ["invalid_auth", "account_inactive", "token_revoked"])
    async def test_a_token_that_slack_refuses_is_refused(self, slack, error):
        slack.answer("auth.test", {"ok": False, "error": error})
        with pytest.raises(PlatformFailed) as caught:
            await identify("xoxb-hunter2", api_base_url=slack.api)
        assert (caught.value.permanent, caught.value.code) == (True, error)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "app"),
    [
        ("xapp-1-A012-34-ab", "A012"),
        ("xapp-1--34-ab", None),
        ("xoxb-1-A012-34", None),
        ("xapp-1-A012", None),
        ("", None),
        ("xapp-1-a012-3", None),
    ],
)
def test_an_app_level_token_names_its_app(token, app):
    assert app_of_token(token) == app
