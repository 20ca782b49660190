"""Rotation of keys: new generations, and old keys wrapped anew. `parley keys rotate` is made of these.

A new generation writes after two minutes, when no process remembers the keys without it; what older ones
sealed stays readable. To change PARLEY_SECRET_KEY, put the new one before the old (`new,old`) in every
process, call `wrap_anew` for each tenant, then take the old one away.
"""

from __future__ import annotations

import os
from uuid import UUID

from storage.database import Database
from storage.errors import KeyMissing
from storage.ids import uuid7
from storage.keys import Vault, unwrap_tenant_key, unwrap_user_key, wrap_tenant_key, wrap_user_key
from storage.sealing import KEY_BYTES, key_of
from storage.secret_key import Secrets
from storage.statements import Statements


class Rotation:
    """Makes and wraps keys of one tenant at a time."""

    def __init__(self, database: Database, vault: Vault, secrets: Secrets) -> None:
        self._database = database
        self._vault = vault
        self._secrets = secrets
        self._tenant_sql = Statements("tenant_keys")
        self._user_sql = Statements("user_keys")

    async def new_tenant_key(self, tenant_id: UUID) -> int:
        """Add the tenant's next key; returns its generation. Raises KeyMissing for a tenant without keys."""
        await self._vault.tenant_sealer(tenant_id)
        root = self._secrets.sealer(tenant_id)
        key_id = uuid7()
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._tenant_sql.tenant_keys, tenant_id)
            generation: int = max(row["generation"] for row in rows) + 1
            wrapped = wrap_tenant_key(root, key_id, os.urandom(KEY_BYTES))
            await connection.execute(self._tenant_sql.add_tenant_key, tenant_id, key_id, generation, wrapped)
        return generation

    async def new_user_key(self, tenant_id: UUID, user_id: UUID) -> int:
        """Add the user's next key; returns its generation. Raises KeyMissing for an erased user."""
        await self._vault.user_sealer(tenant_id, user_id)
        tenant = await self._vault.tenant_sealer(tenant_id)
        key_id = uuid7()
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(self._user_sql.hold_user, tenant_id, user_id)
            rows = await connection.fetch(self._user_sql.user_keys, tenant_id, user_id)
            if not rows or any(row["wrapped_key"] is None for row in rows):
                raise KeyMissing(f"user {user_id} has no key: it was erased, and is not made anew")
            generation: int = max(row["generation"] for row in rows) + 1
            wrapped = wrap_user_key(tenant, user_id, key_id, os.urandom(KEY_BYTES))
            await connection.execute(
                self._user_sql.add_user_key, tenant_id, key_id, user_id, generation, wrapped
            )
        return generation

    async def wrap_anew(self, tenant_id: UUID) -> int:
        """Wrap the tenant's keys with the root's current one, its users' with the tenant's; returns how many.

        Keys that are wrapped so already are left alone. Raises WrongSecret when the old root key is not
        given.
        """
        root = self._secrets.sealer(tenant_id)
        tenant = await self._vault.tenant_sealer(tenant_id)
        changed = 0
        async with self._database.tenant(tenant_id) as connection:
            for row in await connection.fetch(self._tenant_sql.tenant_keys, tenant_id):
                wrapped = row["wrapped_key"]
                if wrapped is None or key_of(wrapped) == root.writes_with:
                    continue
                anew = wrap_tenant_key(root, row["id"], unwrap_tenant_key(root, row["id"], wrapped))
                await connection.execute(self._tenant_sql.rewrap_tenant_key, tenant_id, row["id"], anew)
                changed += 1
            for row in await connection.fetch(self._user_sql.wrapped_user_keys, tenant_id):
                key_id, user_id, wrapped = row["id"], row["user_id"], row["wrapped_key"]
                if key_of(wrapped) == tenant.writes_with:
                    continue
                key = unwrap_user_key(tenant, user_id, key_id, wrapped)
                await connection.execute(
                    self._user_sql.rewrap_user_key,
                    tenant_id,
                    key_id,
                    wrap_user_key(tenant, user_id, key_id, key),
                )
                changed += 1
        return changed
