"""A tenant's channels as commands find and show them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from bot.runtime import Runtime
from storage.channels import ListedChannel
from storage.errors import NotFound
from storage.installations import PLATFORM, Installation
from storage.slack_accounts import is_own_app


async def find_channel(runtime: Runtime, tenant: str, platform: str, account: str) -> ListedChannel:
    """The tenant's channel of this account. Raises NotFound."""
    owner = await runtime.tenants.find(tenant)
    for listed in await runtime.channels.list_all(owner.id):
        if (listed.channel.platform, listed.channel.account) == (platform, account):
            return listed
    raise NotFound(
        f"tenant {tenant!r} has no {platform} channel {account!r}; `parley channel list --tenant {tenant}` shows "
        "those it has"
    )


async def told(runtime: Runtime, listed: ListedChannel, tenant: str) -> dict[str, Any]:
    """A channel as commands show it."""
    channel = listed.channel
    shown: dict[str, Any] = {
        "id": channel.id,
        "tenant": tenant,
        "platform": channel.platform,
        "account": channel.account,
        "created_at": listed.created_at,
        "disabled_at": listed.disabled_at,
    }
    if channel.platform == "web":
        shown["allowed_origins"] = list(channel.settings.get("allowed_origins") or ())
        shown["has_identity_secret"] = "identity_secret" in channel.credentials
    if channel.platform == "slack":
        installed = await _installations(runtime, channel.tenant_id)
        shown |= _slack(listed, installed.get(channel.id))
    return shown


async def rows(runtime: Runtime, tenant: str) -> list[dict[str, Any]]:
    """All channels of a tenant, a row each. Raises NotFound."""
    owner = await runtime.tenants.find(tenant)
    installed = await _installations(runtime, owner.id)
    return [_row(each, installed.get(each.channel.id)) for each in await runtime.channels.list_all(owner.id)]


def _row(listed: ListedChannel, installation: Installation | None) -> dict[str, Any]:
    return {
        "platform": listed.channel.platform,
        "account": listed.channel.account,
        "state": _state(listed, installation),
        "team": installation.team_name if installation is not None else None,
        "bot": installation.bot_user_id if installation is not None else None,
        "created_at": listed.created_at,
        "disabled_at": listed.disabled_at,
        "id": listed.channel.id,
    }


async def _installations(runtime: Runtime, tenant_id: UUID) -> dict[UUID, Installation]:
    """By their channels."""
    return {each.channel_id: each for each in await runtime.slack.installations.list_all(tenant_id)}


def _state(listed: ListedChannel, installation: Installation | None) -> str:
    """In a word or two, what a channel of any platform does."""
    if installation is not None and installation.revoked_at is not None:
        return "revoked"
    if listed.disabled_at is not None:
        return "disabled"
    if listed.channel.platform == PLATFORM and (installation is None or installation.needs_reinstall):
        return "needs reinstall"
    return "open"


def _slack(listed: ListedChannel, installation: Installation | None) -> dict[str, Any]:
    """What `channel show` says of a Slack channel; of secrets only whether they are set."""
    credentials = listed.channel.credentials
    shown: dict[str, Any] = {
        "state": _state(listed, installation),
        "own_app": is_own_app(credentials),
        "has_signing_secret": "signing_secret" in credentials,
        "has_app_token": "app_token" in credentials,
    }
    if installation is not None:
        shown |= {
            "team": installation.team_name,
            "team_id": installation.team_id,
            "enterprise_id": installation.enterprise_id,
            "bot_user_id": installation.bot_user_id,
            "scopes": list(installation.scopes),
            "installed_by": installation.installed_by,
            "installed_at": installation.installed_at,
            "revoked_at": installation.revoked_at,
            "token_expires_at": installation.tokens.expires_at if installation.tokens else None,
            "refresh_error": installation.refresh_error,
        }
    return shown
