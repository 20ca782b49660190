"""Connecting a workspace by a token that somebody has: `channel add slack`, and SLACK_BOT_TOKEN for `run`."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from adapters.errors import PlatformFailed
from adapters.slack.identity import identify
from bot.errors import Failed
from storage.installations import Installation, Installations


@dataclass(frozen=True, slots=True)
class GivenTokens:
    """`signing_secret` and `app_token` make the app the tenant's own; without them it is the process's."""

    bot_token: str = field(repr=False)
    signing_secret: str | None = field(default=None, repr=False)
    app_token: str | None = field(default=None, repr=False)

    @property
    def app_secrets(self) -> dict[str, str]:
        """What the channel keeps of the app."""
        given = {"signing_secret": self.signing_secret, "app_token": self.app_token}
        return {name: value for name, value in given.items() if value is not None}


class SlackConnector:
    """Asks Slack whose a token is, and keeps it for a tenant."""

    def __init__(self, installations: Installations, api_base_url: str) -> None:
        self._installations = installations
        self._api_base_url = api_base_url

    async def connect(
        self, tenant_id: UUID, given: GivenTokens, *, also_of: str | None = None
    ) -> Installation:
        """Connect the workspace that the bot's token is of; again is no harm.

        `also_of` is an app-level token that is not the channel's to keep. Raises PlatformFailed for what Slack says,
        and what `Installations.save` raises.
        """
        grant = await identify(
            given.bot_token, app_token=given.app_token or also_of, api_base_url=self._api_base_url
        )
        return await self._installations.save(tenant_id, grant, app_secrets=given.app_secrets)


def refused_token(failed: PlatformFailed) -> Failed:
    """What somebody does about a token that Slack did not take."""
    advice = {
        "invalid_auth": "copy the Bot User OAuth Token (xoxb-…) again, from OAuth & Permissions of the app",
        "not_authed": "copy the Bot User OAuth Token (xoxb-…) again, from OAuth & Permissions of the app",
        "account_inactive": "the app was uninstalled, so install it again and copy its new token",
        "token_revoked": "the app was uninstalled, so install it again and copy its new token",
        "token_expired": "install the app again by `parley slack install-link`",
    }.get(failed.code)
    return Failed(f"{failed}; {advice}" if advice else str(failed))
