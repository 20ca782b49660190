"""What `channel` asks of somebody who connects a Slack workspace, and refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from uuid import UUID

import typer

from adapters.errors import PlatformFailed
from bot.errors import Failed
from bot.runtime import Runtime
from bot.slack.connecting import GivenTokens, refused_token
from config.settings import Settings
from config.values import slack_app_token, slack_bot_token, slack_signing_secrets
from storage.errors import NotFound
from storage.installations import PLATFORM, Installation
from storage.records import Channel

_CHECKS: Mapping[str, Callable[[object], str]] = {
    "--token": slack_bot_token,
    "--signing-secret": slack_signing_secrets,
    "--app-token": slack_app_token,
}


def given_tokens(
    settings: Settings, token: str | None, signing_secret: str | None, app_token: str | None
) -> GivenTokens:
    """What the options say: `-` is a line of standard input each, and no --token is SLACK_BOT_TOKEN."""
    if token is None and settings.slack_bot_token is None:
        raise typer.BadParameter("give --token, as - to read it from standard input, or set SLACK_BOT_TOKEN")
    return GivenTokens(
        _read("--token", token) or settings.slack_bot_token or "",
        _read("--signing-secret", signing_secret),
        _read("--app-token", app_token),
    )


async def connect(runtime: Runtime, settings: Settings, tenant_id: UUID, given: GivenTokens) -> Installation:
    """Ask Slack whose the token is, and keep it. Raises Failed for what Slack says, and StorageError."""
    shared = settings.slack_signing_secret or settings.slack_app_token
    if not given.app_secrets and shared is None:
        raise Failed(
            "nothing would come in: give --signing-secret (Slack calls this server) or --app-token (Socket Mode) of "
            "the app, or set SLACK_SIGNING_SECRET or SLACK_APP_TOKEN for one that all tenants share"
        )
    also_of = None if given.app_secrets else settings.slack_app_token
    try:
        return await runtime.slack.connector.connect(tenant_id, given, also_of=also_of)
    except PlatformFailed as failed:
        raise refused_token(failed) from None


async def refuse_to_enable(runtime: Runtime, channel: Channel) -> None:
    """Raises Failed for a Slack channel that has no token to work with."""
    if channel.platform != PLATFORM:
        return
    try:
        installation = await runtime.slack.installations.of_channel(channel.tenant_id, channel.id)
    except NotFound:
        return
    if installation.revoked_at is not None:
        raise Failed(
            f"the app was uninstalled from {channel.account}: install it again by `parley slack install-link`, or "
            "`parley channel add slack` with its new token"
        )


def _read(option: str, given: str | None) -> str | None:
    if given is None:
        return None
    text = sys.stdin.readline() if given == "-" else given
    try:
        return _CHECKS[option](text)
    except ValueError as error:
        raise typer.BadParameter(f"what was given {error}", param_hint=f"'{option}'") from None
