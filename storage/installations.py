"""Slack installations: what a workspace, or a whole organisation, granted to a tenant's bot.

Each belongs to one channel of platform `slack`, whose account is `<app id>/<team id>`, or `<app id>/<enterprise id>`
for an organisation. The installation has the tokens; the channel's credentials have the app's own secrets where the
app is the tenant's own, and nothing where it is the process's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from storage.channels import LIFE, Channels
from storage.clock import Clock
from storage.database import Database
from storage.errors import Conflict, Invalid, NotFound
from storage.ids import uuid7
from storage.keys import Vault
from storage.sealing import Sealer
from storage.shortlived import ShortLived
from storage.statements import Statements

PLATFORM = "slack"
# slack_sdk's rotators refresh as early, and a token lasts for twelve hours.
REFRESH_BEFORE = timedelta(minutes=120)

_ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class Tokens:
    """A bot's token; one that ends has a moment of its end and, where it can be renewed, a refresh token."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    @property
    def refresh_at(self) -> datetime | None:
        """When to renew it; None for one that lasts, or cannot be renewed."""
        if self.expires_at is None or self.refresh is None:
            return None
        return self.expires_at - REFRESH_BEFORE


@dataclass(frozen=True, slots=True)
class Grant:
    """What Slack says was installed where. `team_id` None: in the whole organisation `enterprise_id`.

    `team_name` is the workspace's, or the organisation's, for people; `installed_by` the user's id in Slack.
    """

    app_id: str
    team_id: str | None
    enterprise_id: str | None
    tokens: Tokens
    team_name: str | None = None
    bot_user_id: str | None = None
    bot_id: str | None = None
    scopes: tuple[str, ...] = ()
    installed_by: str | None = None

    @property
    def account(self) -> str:
        """The channel's account. Raises Invalid."""
        return account_of(self.app_id, self.team_id, self.enterprise_id)


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation as it is stored; `tokens` None: it was revoked."""

    tenant_id: UUID
    id: UUID
    channel_id: UUID
    app_id: str
    team_id: str | None
    enterprise_id: str | None
    team_name: str | None
    bot_user_id: str | None
    bot_id: str | None
    scopes: tuple[str, ...]
    tokens: Tokens | None
    token_version: int
    refresh_at: datetime | None
    refresh_error: str | None
    installed_by: str | None
    installed_at: datetime
    revoked_at: datetime | None

    @property
    def account(self) -> str:
        """The channel's account."""
        return account_of(self.app_id, self.team_id, self.enterprise_id)

    @property
    def needs_reinstall(self) -> bool:
        """Whether its token ends and nothing can renew it."""
        return self.tokens is not None and self.tokens.expires_at is not None and self.refresh_at is None


class Installations:
    """The installations of the tenants; remembers for at most a minute those that it hands out one by one.

    Every method may raise Unavailable, KeyMissing, WrongSecret and SealBroken.
    """

    def __init__(
        self, database: Database, vault: Vault, channels: Channels, clock: Clock, *, life: float = LIFE
    ) -> None:
        self._database = database
        self._vault = vault
        self._channels = channels
        self._clock = clock
        self._sql = Statements("slack_installations")
        self._channel_sql = Statements("channels")
        self._kept: ShortLived[tuple[UUID, UUID], Installation] = ShortLived(life=life, capacity=10_000)

    async def save(
        self, tenant_id: UUID, grant: Grant, *, app_secrets: Mapping[str, str] | None = None
    ) -> Installation:
        """Keep what was granted, for the first time or again; its channel is made, or enabled again.

        `app_secrets` are those of an app that is the tenant's own: `signing_secret`, `app_token`. Raises Invalid,
        NotFound (no such tenant) and Conflict (another tenant has the account, which one is not told).
        """
        account = grant.account
        sealer = await self._vault.tenant_sealer(tenant_id)
        try:
            channel_id = await self._save(tenant_id, grant, account, dict(app_secrets or {}), sealer)
        except asyncpg.UniqueViolationError:
            # Made meanwhile by this tenant, which is seen now, or another's, which never is.
            try:
                channel_id = await self._save(tenant_id, grant, account, dict(app_secrets or {}), sealer)
            except asyncpg.UniqueViolationError:
                raise Conflict(f"the slack account {account!r} has a channel already") from None
        self._channels.forget(tenant_id, channel_id, PLATFORM, account)
        self.forget(tenant_id, channel_id)
        return await self.of_channel(tenant_id, channel_id)

    async def of_channel(self, tenant_id: UUID, channel_id: UUID) -> Installation:
        """The channel's installation, also a revoked one. Raises NotFound."""
        kept = self._kept.get((tenant_id, channel_id))
        if kept is None:
            generation = self._kept.generation
            sealer = await self._vault.tenant_sealer(tenant_id)
            async with self._database.tenant(tenant_id) as connection:
                row = await connection.fetchrow(self._sql.of_channel, tenant_id, channel_id)
            if row is None:
                raise NotFound(f"the channel {channel_id} has no Slack installation")
            kept = installation_of(tenant_id, row, sealer)
            self._kept.keep((tenant_id, channel_id), kept, generation)
        return kept

    async def find(
        self, app_id: str, team_id: str | None = None, enterprise_id: str | None = None
    ) -> Installation | None:
        """The installation of an app in a workspace, or without one in an organisation, whosever it is."""
        listed = await self._channels.look_up(PLATFORM, account_of(app_id, team_id, enterprise_id))
        if listed is None:
            return None
        try:
            return await self.of_channel(listed.channel.tenant_id, listed.channel.id)
        except NotFound:
            return None

    async def list_all(self, tenant_id: UUID) -> list[Installation]:
        """All installations of the tenant, the oldest first, read anew."""
        sealer = await self._vault.tenant_sealer(tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.list_all, tenant_id)
        return [installation_of(tenant_id, row, sealer) for row in rows]

    async def revoke(self, tenant_id: UUID, channel_id: UUID, *, told_at: datetime | None = None) -> bool:
        """Forget the tokens and disable the channel; whether there was anything to revoke.

        `told_at` is when Slack says that it happened: what was installed since stands. Raises NotFound.
        """
        now = self._clock()
        async with self._database.tenant(tenant_id) as connection:
            account = await connection.fetchval(self._sql.hold_channel, tenant_id, channel_id)
            if account is None:
                raise NotFound(f"there is no Slack channel {channel_id} in this tenant")
            revoked = await connection.fetchval(self._sql.revoke, tenant_id, channel_id, now, told_at)
            if revoked is not None:
                await connection.execute(
                    self._channel_sql.update_channel, tenant_id, channel_id, None, None, True, now
                )
        # Also where another process was quicker.
        self._channels.forget(tenant_id, channel_id, PLATFORM, account)
        self.forget(tenant_id, channel_id)
        return revoked is not None

    def forget(self, tenant_id: UUID, channel_id: UUID) -> None:
        """Drop what is remembered of one, as when Slack no longer takes its token."""
        self._kept.forget((tenant_id, channel_id))

    async def _save(
        self, tenant_id: UUID, grant: Grant, account: str, app_secrets: dict[str, str], sealer: Sealer
    ) -> UUID:
        now = self._clock()
        tokens = grant.tokens
        try:
            async with self._database.tenant(tenant_id) as connection:
                own: UUID | None = await connection.fetchval(self._sql.own_channel, tenant_id, account)
                channel_id = own or uuid7()
                secrets = sealer.seal("channels", "credentials", channel_id, orjson.dumps(app_secrets))
                if own is None:
                    await connection.execute(
                        self._channel_sql.create_channel,
                        *(tenant_id, channel_id, PLATFORM, account, secrets, {}, now),
                    )
                else:
                    await connection.execute(
                        self._channel_sql.update_channel, tenant_id, channel_id, secrets, None, False, now
                    )
                known: UUID | None = await connection.fetchval(
                    self._sql.own_installation, tenant_id, channel_id
                )
                installation_id = known or uuid7()
                await connection.execute(
                    self._sql.save,
                    *(
                        tenant_id,
                        installation_id,
                        channel_id,
                        grant.app_id,
                        grant.enterprise_id,
                        grant.team_id,
                    ),
                    *(grant.team_name, grant.bot_user_id, grant.bot_id, list(grant.scopes)),
                    sealed_tokens(tokens, installation_id, sealer),
                    *(tokens.expires_at, tokens.refresh_at, grant.installed_by, now),
                )
        except asyncpg.ForeignKeyViolationError:
            raise NotFound(f"there is no tenant {tenant_id}") from None
        return channel_id


def account_of(app_id: str, team_id: str | None, enterprise_id: str | None) -> str:
    """The account of a channel: the app in the workspace, or without one in the organisation. Raises Invalid."""
    owner = team_id or enterprise_id
    if owner is None:
        raise Invalid("a Slack installation is in a workspace or in an organisation")
    if not _ID.fullmatch(app_id) or not _ID.fullmatch(owner):
        raise Invalid("an id of Slack has 1 to 64 letters and digits")
    return f"{app_id}/{owner}"


def sealed_tokens(tokens: Tokens, installation_id: UUID, sealer: Sealer) -> bytes:
    """The tokens as their column keeps them, bound to the installation."""
    plain = {"bot_token": tokens.access, "refresh_token": tokens.refresh}
    return sealer.seal("slack_installations", "credentials", installation_id, orjson.dumps(plain))


def installation_of(tenant_id: UUID, row: Mapping[str, Any], sealer: Sealer) -> Installation:
    """A row as a value, with its tokens opened."""
    tokens = None
    if row["credentials"] is not None:
        plain = orjson.loads(sealer.open("slack_installations", "credentials", row["id"], row["credentials"]))
        tokens = Tokens(plain["bot_token"], plain["refresh_token"], row["token_expires_at"])
    return Installation(
        tenant_id,
        row["id"],
        row["channel_id"],
        row["app_id"],
        row["team_id"],
        row["enterprise_id"],
        row["team_name"],
        row["bot_user_id"],
        row["bot_id"],
        tuple(row["scopes"]),
        tokens,
        row["token_version"],
        row["refresh_at"],
        row["refresh_error"],
        row["installed_by"],
        row["installed_at"],
        row["revoked_at"],
    )
