"""Renewing bots' tokens before they end: a sweep of the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from adapters.errors import PlatformFailed
from adapters.slack.oauth import SlackApp
from storage.errors import Unavailable
from storage.installations import Installation, Tokens
from storage.token_refreshes import TokenRefreshes

log = structlog.get_logger("parley.slack")

# What says that the refresh token itself is worth nothing: https://docs.slack.dev/reference/methods/oauth.v2.access
_FINAL = {
    "invalid_refresh_token",
    "invalid_grant",
    "token_revoked",
    "token_expired",
    "account_inactive",
    "app_not_installed",
    "authorization_not_found",
}
_NO_APP = "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set where `parley clock` or `parley run` runs"
# Slack has taken the old refresh token back by then, so what it gave is not let go for a short outage.
WRITE_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)


class SlackRotation:
    """Renews what is due. Several may run: a token is renewed by the one that claims it first."""

    def __init__(
        self,
        refreshes: TokenRefreshes,
        app: SlackApp | None,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._refreshes = refreshes
        self._app = app
        self._sleep = sleep

    async def rotate(self, tenant_id: UUID) -> int:
        """Renew the tenant's tokens that end within two hours; how many were. Raises StorageError.

        A failure is written down with the installation and tried again later, the final ones excepted.
        """
        renewed = 0
        for claimed in await self._refreshes.claim(tenant_id):
            try:
                tokens = await self._renew(claimed)
            except PlatformFailed as failed:
                await self._note(claimed, failed)
                continue
            if await self._keep(claimed, tokens):
                renewed += 1
                log.info("slack_token_renewed", tenant=str(tenant_id), account=claimed.account)
            else:
                log.info("slack_token_superseded", tenant=str(tenant_id), account=claimed.account)
        return renewed

    async def _renew(self, claimed: Installation) -> Tokens:
        if self._app is None:
            raise PlatformFailed("token rotation", "no_app", permanent=False, told=_NO_APP)
        if claimed.tokens is None or claimed.tokens.refresh is None:
            raise PlatformFailed("token rotation", "invalid_refresh_token", permanent=True)
        return await self._app.refresh(claimed.tokens.refresh)

    async def _keep(self, claimed: Installation, tokens: Tokens) -> bool:
        for pause in WRITE_AGAIN_S:
            try:
                return await self._refreshes.replace(claimed, tokens)
            except Unavailable:
                await self._sleep(pause)
        # A write whose answer was lost is not written again: its version is another by then.
        return await self._refreshes.replace(claimed, tokens)

    async def _note(self, claimed: Installation, failed: PlatformFailed) -> None:
        final = failed.code in _FINAL
        if not await self._refreshes.note_failure(claimed, str(failed), final=final):
            return
        told = log.error if final else log.warning
        told(
            "slack_token_not_renewed",
            tenant=str(claimed.tenant_id),
            account=claimed.account,
            error=str(failed),
            needs_reinstall=final,
        )
