"""The definition of the Slack app: what it shows, what it may, what it is told. `parley slack manifest` prints it.

Fields and limits: https://docs.slack.dev/reference/app-manifest and https://github.com/slackapi/manifest-schema.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.slack.inbound import CALLING
from storage.records import Json

EVENTS_PATH = "/slack/events"
REDIRECT_PATH = "/slack/oauth_redirect"
INSTALL_PATH = "/slack/install"

# What the bot asks a workspace for, and what would be missing without it (https://docs.slack.dev/reference/scopes).
BOT_SCOPES = (
    "app_mentions:read",  # the event app_mention
    "assistant:write",  # the agent view comes with it; status, title and suggested prompts
    "channels:history",  # message.channels, and reading a thread back: replies, and sends whose answer was lost
    "chat:write",  # replies, streamed ones, too
    "commands",  # the slash command
    "files:read",  # what people attach
    "files:write",  # files that the bot sends
    "groups:history",  # the same as channels:history, in private channels
    "im:history",  # in direct messages
    "im:write",  # to open the conversation with a person to whom a one-time code goes
    "mpim:history",  # in direct messages of several people
    "reactions:read",  # thumbs below an answer are feedback
    "users:read",  # name, time zone and locale of whom we talk to; bots.info, which tells a token's app
)

# `assistant_thread_started` and `assistant_thread_context_changed` belong to the older assistant view and do not come
# with the agent view, which new apps must have: https://docs.slack.dev/ai/migrating-to-agent-messaging
# `user_change` is left out: it comes for each change of anybody's status in the workspace.
BOT_EVENTS = (
    "agent_session_stopped",  # without it the spinner has no Stop
    "app_context_changed",
    "app_home_opened",  # with the tab `messages`: a conversation with the agent was opened
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)

_LONGEST_NAME = 35
_LONGEST_DESCRIPTION = 300
_MOST_PROMPTS = 4


def manifest(
    public_url: str | None,
    name: str,
    *,
    description: str = "",
    prompts: Sequence[str] = (),
    socket_mode: bool = False,
    token_rotation: bool = True,
) -> dict[str, Json]:
    """The manifest of an app whose server is at `public_url` (https, no slash at its end).

    In Socket Mode Slack calls no address, so `public_url` may be None there; with one, the app can still be
    installed through OAuth. `token_rotation` cannot be taken back once an app has it, and lasting tokens
    (`channel add slack --token`) do not go with it. Raises ValueError without an address that is needed.
    """
    if public_url is None and not socket_mode:
        raise ValueError("without Socket Mode Slack calls the app at its public address")
    called = None if socket_mode or public_url is None else f"{public_url}{EVENTS_PATH}"
    address: dict[str, Json] = {} if called is None else {"request_url": called}
    command: dict[str, Json] = {
        "command": CALLING,
        "description": f"Ask {name}"[:2000],
        "usage_hint": "[question]",
        # People and channels come as ids, which a name that somebody chose cannot imitate.
        "should_escape": True,
    }
    if called is not None:
        command["url"] = called
    oauth: dict[str, Json] = {"scopes": {"bot": list(BOT_SCOPES)}}
    if public_url is not None:
        oauth["redirect_urls"] = [f"{public_url}{REDIRECT_PATH}"]
    return {
        "display_information": {"name": _cut(name, _LONGEST_NAME)},
        "features": {
            "agent_view": {
                "agent_description": _cut(description or name, _LONGEST_DESCRIPTION),
                "suggested_prompts": [
                    {"title": prompt, "message": prompt} for prompt in prompts[:_MOST_PROMPTS]
                ],
            },
            # The messages tab is where people write to the bot; there is nothing for a home tab to show.
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": _cut(name, _LONGEST_NAME), "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": oauth,
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(BOT_EVENTS)},
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": True,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": token_rotation,
        },
    }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
