"""The app's manifest keeps to Slack's published schema (github.com/slackapi/manifest-schema, version 0.5.0)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from adapters.slack.inbound import CALLING
from adapters.slack.manifest import BOT_EVENTS, BOT_SCOPES, manifest

PUBLIC = "https://bot.example.com"
Check = Callable[[Any], bool]


def text(longest: int, pattern: str = r"(?s).+") -> Check:
    return lambda given: (
        isinstance(given, str) and len(given) <= longest and bool(re.fullmatch(pattern, given))
    )


def texts(longest: int, most: int) -> Check:
    def check(given: Any) -> bool:
        return len(given) == len(set(given)) <= most and all(text(longest)(each) for each in given)

    return check


def flag(given: Any) -> bool:
    return isinstance(given, bool)


ADDRESS = text(3500, r"https?://\S+")
PROMPT = {"title": text(1000), "message": text(4000)}
# Every field that we use: what it may be. The schema knows no others where these stand.
SCHEMA: Mapping[str, Any] = {
    "display_information": {"name": text(35)},
    "features": {
        "agent_view": {
            "agent_description": text(300),
            "suggested_prompts": lambda given: len(given) <= 4 and all(fits(each, PROMPT) for each in given),
        },
        "app_home": {
            "home_tab_enabled": flag,
            "messages_tab_enabled": flag,
            "messages_tab_read_only_enabled": flag,
        },
        "bot_user": {"display_name": text(80), "always_online": flag},
        "slash_commands": lambda given: len(given) == 1 and fits(given[0], COMMAND),
    },
    "oauth_config": {"redirect_urls": texts(2500, 1000), "scopes": {"bot": texts(50, 255)}},
    "settings": {
        "event_subscriptions": {"request_url": ADDRESS, "bot_events": texts(50, 100)},
        "interactivity": {"is_enabled": flag, "request_url": ADDRESS},
        "org_deploy_enabled": flag,
        "socket_mode_enabled": flag,
        "token_rotation_enabled": flag,
    },
}
COMMAND = {
    "command": text(32, r"/\S+"),
    "url": text(3000, r"https?://\S+"),
    "description": text(2000),
    "usage_hint": text(1000),
    "should_escape": flag,
}


def fits(document: Any, schema: Any) -> bool:
    if callable(schema):
        return bool(schema(document))
    return all(name in schema and fits(value, schema[name]) for name, value in document.items())


@pytest.mark.parametrize("socket_mode", [False, True])
@pytest.mark.parametrize("name", ["A", "Ada at Parley Bank", "n" * 300, "Größe ☃ " * 40])
def test_whatever_the_bot_is_called_the_manifest_keeps_to_the_schema(name, socket_mode):
    made = manifest(
        PUBLIC,
        name,
        description="d" * 500,
        prompts=["What is my balance?"] * 9,
        socket_mode=socket_mode,
    )
    assert fits(made, SCHEMA)


def test_the_check_sees_what_the_schema_forbids():
    made = manifest(PUBLIC, "Ada")
    for wrong in (
        {**made, "icon": "x"},
        {**made, "display_information": {"name": "n" * 36}},
        {**made, "settings": {**made["settings"], "socket_mode": True}},
        {**made, "oauth_config": {"scopes": {"bot": ["a", "a"]}}},
    ):
        assert not fits(wrong, SCHEMA)


def test_over_http_slack_calls_the_public_address():
    made = manifest(PUBLIC, "Ada")
    settings = made["settings"]
    assert settings["event_subscriptions"]["request_url"] == f"{PUBLIC}/slack/events"
    assert settings["interactivity"] == {"is_enabled": True, "request_url": f"{PUBLIC}/slack/events"}
    [command] = made["features"]["slash_commands"]
    assert (command["command"], command["url"]) == (CALLING, f"{PUBLIC}/slack/events")
    assert made["oauth_config"]["redirect_urls"] == [f"{PUBLIC}/slack/oauth_redirect"]
    assert (settings["socket_mode_enabled"], settings["token_rotation_enabled"]) == (False, True)
    assert settings["org_deploy_enabled"] is True


@pytest.mark.parametrize("public", [None, PUBLIC])
def test_in_socket_mode_slack_calls_nothing(public):
    made = manifest(public, "Ada", socket_mode=True, token_rotation=False)
    assert "request_url" not in made["settings"]["event_subscriptions"]
    assert made["settings"]["interactivity"] == {"is_enabled": True}
    assert "url" not in made["features"]["slash_commands"][0]
    assert ("redirect_urls" in made["oauth_config"]) == (public is not None)
    assert made["settings"]["token_rotation_enabled"] is False


def test_without_an_address_and_without_socket_mode_there_is_no_manifest():
    with pytest.raises(ValueError, match="public address"):
        manifest(None, "Ada")


def test_people_can_write_to_the_bot_in_its_messages_tab():
    home = manifest(PUBLIC, "Ada")["features"]["app_home"]
    assert (home["messages_tab_enabled"], home["messages_tab_read_only_enabled"]) == (True, False)


def test_what_is_subscribed_to_has_the_scope_that_it_needs():
    # https://docs.slack.dev/reference/events: those that are not named need none.
    needed = {
        "app_mention": "app_mentions:read",
        "message.channels": "channels:history",
        "message.groups": "groups:history",
        "message.im": "im:history",
        "message.mpim": "mpim:history",
        "reaction_added": "reactions:read",
        "reaction_removed": "reactions:read",
        "agent_session_stopped": "chat:write",
    }
    without = {"app_context_changed", "app_home_opened", "app_uninstalled", "tokens_revoked"}
    assert set(BOT_EVENTS) == set(needed) | without
    assert set(needed.values()) <= set(BOT_SCOPES)


def test_events_of_the_older_assistant_view_do_not_come_with_the_agent_view():
    made = manifest(PUBLIC, "Ada")
    assert "assistant_view" not in made["features"]
    assert not [event for event in BOT_EVENTS if event.startswith("assistant_")]
