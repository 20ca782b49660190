"""Channels: a tenant's connections to platforms, found by the account that a platform names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from storage.clock import Clock
from storage.database import Database
from storage.errors import Conflict, Invalid, KeyMissing, NotFound, SealBroken
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import Channel
from storage.sealing import Sealer
from storage.shortlived import ShortLived
from storage.statements import Statements

log = structlog.get_logger("parley.channels")

LIFE = 60.0
IDLE_MINUTES = 30
# An account that nobody has is remembered for less, since the next thing may be that somebody adds it.
UNKNOWN_LIFE = 5.0

_PLATFORM = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ACCOUNT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ListedChannel:
    """A channel and what its owner wants to know of it."""

    channel: Channel
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None


class Channels:
    """Finds channels, remembering them for at most a minute; a change here is seen here at once."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, *, life: float = LIFE, capacity: int = 10_000
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._sql = Statements("channels")
        self._routes: ShortLived[tuple[str, str], tuple[UUID, UUID] | tuple[()]] = ShortLived(
            life=life, capacity=capacity
        )
        self._loaded: ShortLived[tuple[UUID, UUID], ListedChannel] = ShortLived(life=life, capacity=capacity)

    async def find(self, platform: str, account: str) -> Channel | None:
        """The channel that answers for a platform's account; None when there is none or it is disabled.

        Credentials come opened. Raises Unavailable, KeyMissing, WrongSecret and SealBroken.
        """
        listed = await self.look_up(platform, account)
        return None if listed is None or listed.disabled_at else listed.channel

    async def look_up(self, platform: str, account: str) -> ListedChannel | None:
        """What `find` finds, also where it is disabled."""
        route = self._routes.get((platform, account))
        if route is None:
            route = await self._route(platform, account)
        if not route:
            return None
        try:
            return await self._load(*route)
        except NotFound:
            return None

    async def of_platform(self, platform: str) -> list[ListedChannel]:
        """All channels of a platform, whosever they are; without those whose credentials cannot be opened.

        Raises Unavailable.
        """
        async with self._database.dispatch() as connection:
            rows = await connection.fetch(self._sql.route_platform, platform)
        found = []
        for row in rows:
            try:
                found.append(await self._load(row["tenant_id"], row["id"]))
            except (KeyMissing, SealBroken, NotFound) as error:
                log.warning(
                    "channel_unreadable",
                    tenant=str(row["tenant_id"]),
                    channel=str(row["id"]),
                    error=str(error),
                )
        return found

    async def load(self, tenant_id: UUID, channel_id: UUID) -> Channel:
        """A channel by its id, also a disabled one. Raises NotFound and what `find` raises."""
        return (await self._load(tenant_id, channel_id)).channel

    async def create(
        self,
        tenant_id: UUID,
        platform: str,
        account: str,
        *,
        credentials: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Channel:
        """Connect the tenant to a platform's account.

        Raises Invalid, NotFound (no such tenant) and Conflict (the account has a channel, perhaps of another
        tenant, which is not told).
        """
        if not _PLATFORM.fullmatch(platform):
            raise Invalid(f"{platform!r} is no platform: use a name such as web, slack or whatsapp")
        if not _is_account(account):
            raise Invalid(f"an account has 1 to {_ACCOUNT_LENGTH} printable characters and no spaces")
        sealed = await self._seal(tenant_id, channel_id := uuid7(), credentials)
        try:
            async with self._database.tenant(tenant_id) as connection:
                await connection.execute(
                    self._sql.create_channel,
                    tenant_id,
                    channel_id,
                    platform,
                    account,
                    sealed,
                    dict(settings or {}),
                    self._clock(),
                )
        except asyncpg.UniqueViolationError:
            raise Conflict(f"the {platform} account {account!r} has a channel already") from None
        except asyncpg.ForeignKeyViolationError:
            raise NotFound(f"there is no tenant {tenant_id}") from None
        self._routes.forget((platform, account))
        return await self.load(tenant_id, channel_id)

    async def list_all(self, tenant_id: UUID) -> list[ListedChannel]:
        """All channels of the tenant, also disabled ones, read anew."""
        sealer = await self._vault.tenant_sealer(tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._sql.list_channels, tenant_id)
        return [_listed(tenant_id, row, sealer) for row in rows]

    async def update(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        *,
        credentials: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        disabled: bool | None = None,
    ) -> Channel:
        """Change what is given: all credentials; settings one by one, None removes one. Raises NotFound."""
        sealed = await self._seal(tenant_id, channel_id, credentials)
        async with self._database.tenant(tenant_id) as connection:
            status = await connection.execute(
                self._sql.update_channel,
                tenant_id,
                channel_id,
                sealed,
                None if settings is None else dict(settings),
                disabled,
                self._clock(),
            )
        if status != "UPDATE 1":
            raise NotFound(f"there is no channel {channel_id} in this tenant")
        self._loaded.forget((tenant_id, channel_id))
        return await self.load(tenant_id, channel_id)

    def forget(self, tenant_id: UUID, channel_id: UUID, platform: str, account: str) -> None:
        """Drop what is remembered of one channel, which was changed by other means."""
        self._routes.forget((platform, account))
        self._loaded.forget((tenant_id, channel_id))

    def forget_all(self) -> None:
        """Drop what is remembered, so that the next look-up reads anew."""
        self._routes.clear()
        self._loaded.clear()

    async def _route(self, platform: str, account: str) -> tuple[UUID, UUID] | tuple[()]:
        # What no account can be is not asked: garbage would fail in the driver, or fill the memory.
        if not _is_account(account):
            return ()
        generation = self._routes.generation
        async with self._database.dispatch() as connection:
            row = await connection.fetchrow(self._sql.route_channel, platform, account)
        if row is None:
            self._routes.keep((platform, account), (), generation, life=UNKNOWN_LIFE)
            return ()
        route = (row["tenant_id"], row["id"])
        self._routes.keep((platform, account), route, generation)
        return route

    async def _load(self, tenant_id: UUID, channel_id: UUID) -> ListedChannel:
        listed = self._loaded.get((tenant_id, channel_id))
        if listed is None:
            generation = self._loaded.generation
            sealer = await self._vault.tenant_sealer(tenant_id)
            async with self._database.tenant(tenant_id) as connection:
                row = await connection.fetchrow(self._sql.load_channel, tenant_id, channel_id)
            if row is None:
                raise NotFound(f"there is no channel {channel_id} in this tenant")
            listed = _listed(tenant_id, row, sealer)
            self._loaded.keep((tenant_id, channel_id), listed, generation)
        return listed

    async def _seal(
        self, tenant_id: UUID, channel_id: UUID, credentials: Mapping[str, str] | None
    ) -> bytes | None:
        if credentials is None:
            return None
        sealer = await self._vault.tenant_sealer(tenant_id)
        return sealer.seal("channels", "credentials", channel_id, orjson.dumps(dict(credentials)))


def _is_account(account: str) -> bool:
    return 0 < len(account) <= _ACCOUNT_LENGTH and account.isprintable() and " " not in account


def _listed(tenant_id: UUID, row: Mapping[str, Any], sealer: Sealer) -> ListedChannel:
    credentials: dict[str, str] = {}
    if row["credentials"] is not None:
        opened = sealer.open("channels", "credentials", row["id"], row["credentials"])
        credentials = orjson.loads(opened)
    channel = Channel(
        tenant_id,
        row["id"],
        row["platform"],
        row["external_account_id"],
        row["tenant_slug"],
        credentials,
        row["settings"],
    )
    return ListedChannel(channel, row["created_at"], row["updated_at"], row["disabled_at"])


def idle_time(channel: Channel) -> timedelta:
    """How long a session of the channel stays open in silence when no flow is parked."""
    return timedelta(minutes=int(channel.settings.get("idle_minutes") or IDLE_MINUTES))
