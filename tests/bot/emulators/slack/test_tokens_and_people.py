"""Tokens, scopes, and who is who."""

from __future__ import annotations

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.manifest import BOT_EVENTS, BOT_SCOPES
from bot.emulators.slack.server import SlackEmulator


async def test_auth_test_says_who_the_app_is(slack, client):
    answer = await client.auth_test()
    assert answer["team_id"] == slack.workspace.id
    assert (answer["user_id"], answer["bot_id"]) == (
        slack.installation.bot_user_id,
        slack.installation.bot_id,
    )
    assert answer["is_enterprise_install"] is False
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("", "not_authed"), ("xoxb-nonsense", "invalid_auth"), ("xapp-nonsense", "not_allowed_token_type")],
)
async def test_a_token_that_is_none_is_refused(slack, refused, token, error):
    with refused(error):
        await AsyncWebClient(token=token or None, base_url=slack.api_url).auth_test()


async def test_a_revoked_token_stays_revoked(slack, end, client, refused):
    await client.auth_revoke(test=True)
    await client.auth_test()
    assert (await client.auth_revoke())["revoked"] is True
    with refused("token_revoked"):
        await client.auth_test()
    await slack.idle()
    assert end.events("tokens_revoked")[0].event["tokens"]["bot"] == [slack.installation.bot_user_id]


async def test_a_missing_scope_is_named(slack, refused):
    slack.configure(scopes=frozenset({"im:write"}))
    installation = slack.install(slack.app, slack.workspace)
    client = AsyncWebClient(token=slack.token(installation), base_url=slack.api_url)
    for call, needed in (
        (client.chat_postMessage(channel=slack.general.id, text="x"), "chat:write"),
        (client.conversations_history(channel=slack.general.id), "channels:history"),
        (client.conversations_info(channel=slack.general.id), "channels:read"),
        (client.users_info(user="U0EMU00001"), "users:read"),
        (client.reactions_add(channel="x", name="eyes", timestamp="1"), "reactions:write"),
        (client.assistant_threads_setTitle(channel_id="D", thread_ts="1", title="x"), "assistant:write"),
    ):
        with refused("missing_scope") as refusal:
            await call
        assert (refusal.response["needed"], refusal.response["provided"]) == (needed, "im:write")


async def test_users_info_has_name_zone_and_locale_on_request(slack, client, ben, refused):
    shown = (await client.users_info(user=ben.id))["user"]
    assert (shown["real_name"], shown["tz"], shown["is_bot"]) == ("Ben Okri", "Europe/London", False)
    assert "locale" not in shown
    shown = (await client.users_info(user=ben.id, include_locale=True))["user"]
    assert shown["locale"] == "en-US"
    bot = (await client.users_info(user=slack.installation.bot_user_id))["user"]
    assert (bot["is_bot"], bot["profile"]["api_app_id"]) == (True, slack.app.id)
    with refused("user_not_found"):
        await client.users_info(user="U0NOBODY")


async def test_bots_info_tells_the_app(slack, client, refused):
    bot = (await client.bots_info(bot=slack.installation.bot_id))["bot"]
    assert (bot["app_id"], bot["user_id"]) == (slack.app.id, slack.installation.bot_user_id)
    with refused("bot_not_found"):
        await client.bots_info(bot="B0NOBODY")


async def test_the_first_app_is_made_from_our_manifest(refused):
    async with SlackEmulator() as slack:
        assert slack.app.scopes == frozenset(BOT_SCOPES)
        assert slack.app.events == frozenset(BOT_EVENTS)
        with refused("missing_scope") as refusal:
            await AsyncWebClient(token=slack.bot_token, base_url=slack.api_url).team_info()
        assert refusal.response["needed"] == "team:read"


async def test_team_info_is_of_the_own_workspace(slack, client, refused):
    assert (await client.team_info())["team"]["name"] == "Acme"
    other = slack.add_workspace("Other")
    with refused("team_not_found"):
        await client.team_info(team=other.id)


async def test_api_test_and_unknown_methods(slack, client, refused):
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}
    with refused("my_error"):
        await client.api_test(error="my_error")
    with refused("unknown_method") as refusal:
        await client.api_call("chat.sing")
    assert refusal.response["req_method"] == "chat.sing"


async def test_calls_are_kept_without_secrets(slack, client):
    await client.chat_postMessage(channel=slack.general.id, text="Hello")
    call = slack.calls[-1]
    assert (call.method, call.team_id, call.status) == ("chat.postMessage", slack.workspace.id, 200)
    assert call.arguments["text"] == "Hello"
    assert call.answer["ok"] is True
    assert slack.bot_token not in repr(slack.calls)


async def test_two_emulators_have_the_same_ids_and_secrets(slack):
    async with SlackEmulator() as other:
        assert other.bot_token == slack.bot_token
        assert other.app.signing_secret == slack.app.signing_secret
        assert other.person("Ada").dm.id == slack.person("Ada").dm.id
        # What happens is new each time.
        other.send_event({"type": "x"})
        slack.send_event({"type": "x"})
        await slack.idle()
        await other.idle()
        assert len({each.deliveries[-1].notice.payload["event_id"] for each in (slack, other)}) == 2
