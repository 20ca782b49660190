"""The tokens that Slack is called with, as the installations have them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from adapters.errors import PlatformFailed
from storage.errors import NotFound
from storage.installations import Installation, Installations
from storage.records import Channel

log = structlog.get_logger("parley.slack")

_REVOKED = {"token_revoked", "account_inactive"}
# As long as a renewal that another process has begun may take.
_RENEWED_WITHIN_S = 60.0


class InstalledTokens:
    """`renew` renews a tenant's tokens that are due."""

    def __init__(self, installations: Installations, renew: Callable[[UUID], Awaitable[int]]) -> None:
        self._installations = installations
        self._renew = renew

    async def of(self, channel: Channel) -> str:
        """The channel's token. Raises PlatformFailed for a channel that is not installed any more."""
        installation = await self._read(channel)
        if installation.tokens is None:
            raise _not_installed(
                f"the app was uninstalled from {installation.account}: install it again by `parley slack install-link`"
            )
        return installation.tokens.access

    async def instead(self, channel: Channel, refused: str, code: str) -> str | None:
        """The token that is newer than the refused one; a revoked one's installation is revoked.

        Raises PlatformFailed, which is not permanent, where an expired one is still to be renewed.
        """
        installation = await self._read_again(channel)
        if other := _other(installation, refused):
            return other
        if code in _REVOKED:
            # What was installed since then stands.
            if await self._installations.revoke(
                channel.tenant_id, channel.id, told_at=installation.installed_at
            ):
                log.warning(
                    "slack_installation_revoked",
                    tenant=channel.tenant_slug,
                    account=channel.account,
                    reason=code,
                )
            return _other(await self._read_again(channel), refused)
        if code != "token_expired" or installation.tokens is None or installation.needs_reinstall:
            return None
        await self._renew(channel.tenant_id)
        installation = await self._read_again(channel)
        if other := _other(installation, refused):
            return other
        raise PlatformFailed(
            "Slack",
            code,
            permanent=False,
            retry_after=_RENEWED_WITHIN_S,
            told=f"the token of {channel.account} has ended and is not renewed yet"
            + (f" ({installation.refresh_error})" if installation.refresh_error else ""),
        )

    async def _read(self, channel: Channel) -> Installation:
        try:
            return await self._installations.of_channel(channel.tenant_id, channel.id)
        except NotFound:
            raise _not_installed(
                f"the channel {channel.account} has no token: connect it by `parley channel add slack`"
            ) from None

    async def _read_again(self, channel: Channel) -> Installation:
        self._installations.forget(channel.tenant_id, channel.id)
        return await self._read(channel)


def _other(installation: Installation, refused: str) -> str | None:
    tokens = installation.tokens
    return tokens.access if tokens is not None and tokens.access != refused else None


def _not_installed(told: str) -> PlatformFailed:
    return PlatformFailed("Slack", "not_installed", permanent=True, told=told)
