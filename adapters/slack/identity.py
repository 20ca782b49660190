"""Whose a bot's token is: asked of Slack before it is kept."""

from __future__ import annotations

import re

from adapters.errors import PlatformFailed
from adapters.slack.oauth import scopes_of
from adapters.slack.untrusted import Given, ident, text
from adapters.slack.web_api import API_BASE_URL, answering, client_of
from storage.installations import Grant, Tokens

# https://docs.slack.dev/authentication/tokens: an app's own token names the app, a bot's token does not.
_APP_TOKEN = re.compile(r"xapp-\d+-([A-Z0-9]{1,64})-.+")
# A bot's token with an end, as token rotation gives it.
_ROTATING = "xoxe."


def app_of_token(app_token: str) -> str | None:
    """The id of the app that an app-level token (`xapp-…`) is of; None for what is none."""
    found = _APP_TOKEN.fullmatch(app_token)
    return found[1] if found else None


async def identify(token: str, *, app_token: str | None = None, api_base_url: str = API_BASE_URL) -> Grant:
    """Ask Slack who the bot of a lasting token is, and where. Raises PlatformFailed.

    The app's id comes from `auth.test` where it says it, else from `bots.info`, else from `app_token`; where two
    are known and differ, that is refused.
    """
    if token.startswith(_ROTATING):
        raise _refused(
            "auth.test",
            "rotating_token",
            "this token ends within twelve hours: install the app by `parley slack install-link`, or make one "
            "without token rotation",
        )
    client = client_of(api_base_url, token)
    with answering("auth.test"):
        answer = await client.auth_test()
    said: Given = answer.data if isinstance(answer.data, dict) else {}
    bot_id = ident(said, "bot_id")
    if bot_id is None:
        raise _refused("auth.test", "not_a_bot", "this is no bot's token: use the one that begins with xoxb-")
    # A whole organisation's token names it as its team, too.
    org_wide = said.get("is_enterprise_install") is True
    app_id = ident(said, "app_id") or await _app_of(api_base_url, token, bot_id)
    named = app_of_token(app_token) if app_token is not None else None
    if app_id is not None and named is not None and app_id != named:
        raise _refused(
            "auth.test", "other_app", f"the bot's token is of app {app_id}, the app-level token of {named}"
        )
    if app_id is None and named is None:
        raise _refused(
            "bots.info",
            "unknown_app",
            "Slack does not say which app this token is of: give the app the scope users:read and install it "
            "again, or give its app-level token, too",
        )
    return Grant(
        app_id=app_id or named or "",
        team_id=None if org_wide else ident(said, "team_id"),
        enterprise_id=ident(said, "enterprise_id"),
        tokens=Tokens(token),
        team_name=text(said, "team", 200),
        bot_user_id=ident(said, "user_id"),
        bot_id=bot_id,
        scopes=scopes_of(answer.headers.get("x-oauth-scopes")),
    )


async def _app_of(api_base_url: str, token: str, bot_id: str) -> str | None:
    """https://docs.slack.dev/reference/methods/bots.info, which needs the scope users:read."""
    try:
        with answering("bots.info"):
            answer = await client_of(api_base_url, token).bots_info(bot=bot_id)
    except PlatformFailed as failed:
        if failed.permanent:
            return None
        raise
    bot = answer.get("bot")
    return ident(bot, "app_id") if isinstance(bot, dict) else None


def _refused(method: str, code: str, told: str) -> PlatformFailed:
    return PlatformFailed(f"Slack's {method}", code, permanent=True, told=told)
