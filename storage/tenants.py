"""Tenants: made, found by slug, listed.

The runtime role makes them itself. A transaction whose tenant is the new id may insert exactly that tenant
under the policy, so provisioning needs neither the owner nor a way around row-level security. Slugs are
looked up and listed by the dispatcher, who sees names and no settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from storage.clock import Clock
from storage.database import Database
from storage.errors import Conflict, Invalid, NotFound
from storage.ids import uuid7
from storage.keys import Vault
from storage.statements import Statements

_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of the runtime."""

    id: UUID
    slug: str
    name: str
    created_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedTenant:
    """A tenant as the dispatcher sees it."""

    id: UUID
    slug: str
    name: str
    created_at: datetime


class Tenants:
    """The tenants of this database."""

    def __init__(self, database: Database, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._sql = Statements("tenants")

    async def create(
        self, slug: str, name: str | None = None, *, settings: Mapping[str, Any] | None = None
    ) -> Tenant:
        """Make a tenant and its key. Raises Invalid and Conflict (the slug is taken)."""
        if not _SLUG.fullmatch(slug):
            raise Invalid(f"{slug!r} is no slug: use 1 to 63 of a–z, 0–9 and -, not at either end")
        name = (name or slug).strip()
        if not name or len(name) > 200 or not name.isprintable():
            raise Invalid("a tenant's name has 1 to 200 printable characters")
        tenant_id = uuid7()
        try:
            async with self._database.tenant(tenant_id) as connection:
                row = await connection.fetchrow(
                    self._sql.create_tenant, tenant_id, slug, name, dict(settings or {}), self._clock()
                )
                await self._vault.create_tenant_key(connection, tenant_id)
        except asyncpg.UniqueViolationError:
            raise Conflict(f"there is a tenant {slug!r} already") from None
        return _tenant(row)

    async def find(self, slug: str) -> Tenant:
        """The tenant of this slug. Raises NotFound."""
        if _SLUG.fullmatch(slug):
            async with self._database.dispatch() as connection:
                tenant_id = await connection.fetchval(self._sql.route_tenant, slug)
            if tenant_id is not None:
                return await self.load(tenant_id)
        raise NotFound(f"there is no tenant {slug!r}; `parley tenant list` shows those there are")

    async def load(self, tenant_id: UUID) -> Tenant:
        """The tenant of this id. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.load_tenant, tenant_id)
        if row is None:
            raise NotFound(f"there is no tenant {tenant_id}")
        return _tenant(row)

    async def change(self, tenant_id: UUID, settings: Mapping[str, Any]) -> Tenant:
        """Give these settings new values; None takes one away. Raises NotFound."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.change_settings, tenant_id, dict(settings))
        if row is None:
            raise NotFound(f"there is no tenant {tenant_id}")
        return _tenant(row)

    async def list_all(self) -> list[ListedTenant]:
        """All tenants, by slug."""
        async with self._database.dispatch() as connection:
            rows = await connection.fetch(self._sql.list_tenants)
        return [ListedTenant(row["tenant_id"], row["slug"], row["name"], row["created_at"]) for row in rows]

    async def check_secret(self) -> None:
        """Open every tenant's key once, at start. Raises WrongSecret, SealBroken and KeyMissing."""
        for tenant in await self.list_all():
            await self._vault.tenant_sealer(tenant.id)


def _tenant(row: Mapping[str, Any]) -> Tenant:
    return Tenant(row["tenant_id"], row["slug"], row["name"], row["created_at"], row["settings"])
