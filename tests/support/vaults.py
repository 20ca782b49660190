"""A vault over a test's own database, and a person to seal for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from databases import DatabaseUrls

from storage.database import Database
from storage.ids import uuid7
from storage.keys import Vault
from storage.secret_key import Secrets
from storage.tenants import Tenants

ROOT = bytes(range(32))
OTHER_ROOT = bytes(range(32, 64))


@dataclass(frozen=True, slots=True)
class Strongroom:
    """`vault` and `tenants` as one process has them; `another` is what a second process would have."""

    database: Database
    secrets: Secrets
    vault: Vault
    tenants: Tenants

    def another(self, *roots: bytes) -> Vault:
        """A vault that remembers nothing, with these root keys."""
        return Vault(self.database, Secrets(roots or (ROOT,)))

    async def user(self, tenant_id: UUID) -> UUID:
        """A new user of the tenant."""
        user_id = uuid7()
        async with self.database.tenant(tenant_id) as connection:
            await connection.execute(
                "insert into users (tenant_id, id, platform, external_id, created_at) "
                "values ($1, $2, 'web', $3, $4)",
                tenant_id,
                user_id,
                str(user_id),
                datetime.now(UTC),
            )
        return user_id


@asynccontextmanager
async def strongroom(urls: DatabaseUrls) -> AsyncIterator[Strongroom]:
    """Open the database as the runtime role."""
    database = await Database.open(urls.runtime_url, urls.dispatch_url)
    try:
        secrets = Secrets((ROOT,))
        vault = Vault(database, secrets)
        yield Strongroom(database, secrets, vault, Tenants(database, vault, lambda: datetime.now(UTC)))
    finally:
        await database.close()
