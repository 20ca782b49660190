"""Renewing the tokens of Slack installations: each by one process at a time, and never back to older ones."""

from __future__ import annotations

from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.installations import Installation, Installations, Tokens, installation_of, sealed_tokens
from storage.keys import Vault
from storage.statements import Statements


class TokenRefreshes:
    """Which tokens are due, and what became of them. Every method may raise Unavailable and what the Vault raises."""

    def __init__(self, database: Database, vault: Vault, installations: Installations, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._installations = installations
        self._clock = clock
        self._sql = Statements("slack_installations")

    async def claim(self, tenant_id: UUID) -> list[Installation]:
        """The installations of the tenant whose tokens are to be renewed now, by whoever claims them first.

        They are due again after a minute, later after each failure and in the end every half hour, so a caller
        that dies costs a minute and one that fails does not loop.
        """
        sealer = await self._vault.tenant_sealer(tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.claim_refresh, tenant_id, self._clock())
        return [installation_of(tenant_id, row, sealer) for row in rows]

    async def replace(self, claimed: Installation, tokens: Tokens) -> bool:
        """Keep the new tokens; False, and nothing is written, if others came or it was revoked meanwhile."""
        sealer = await self._vault.tenant_sealer(claimed.tenant_id)
        return await self._settle(
            claimed,
            self._sql.replace_tokens,
            sealed_tokens(tokens, claimed.id, sealer),
            tokens.expires_at,
            tokens.refresh_at,
        )

    async def note_failure(self, claimed: Installation, error: str, *, final: bool) -> bool:
        """Put the failure where people see it; False if other tokens came meanwhile, which it says nothing of.

        `final`: no further try can help, only a new installation.
        """
        return await self._settle(claimed, self._sql.note_failure, error, final)

    async def _settle(self, claimed: Installation, statement: str, *values: object) -> bool:
        async with self._database.tenant(claimed.tenant_id) as connection:
            channel_id = await connection.fetchval(
                statement, claimed.tenant_id, claimed.id, claimed.token_version, *values
            )
        self._installations.forget(claimed.tenant_id, claimed.channel_id)
        return channel_id is not None
