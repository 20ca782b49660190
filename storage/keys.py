"""The keys of tenants and users: root key → tenant's key → user's data key, each wrapped by the one before.

A tenant's key is made with the tenant (`storage/tenants.py`), a user's on first use. A key that is missing or
erased is an error and never made anew: what it sealed would be lost in silence.
"""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID

import asyncpg

from storage.database import Database
from storage.errors import KeyMissing, WrongSecret
from storage.ids import uuid7
from storage.sealing import KEY_BYTES, DataKey, Sealer
from storage.secret_key import Secrets
from storage.shortlived import ShortLived
from storage.statements import Statements

# Below the two minutes that a new generation waits in `tenant_keys` and `user_keys` before it writes.
LIFE = 60.0


class Vault:
    """Hands out sealers; remembers at most `capacity` users' and tenants' keys, for at most a minute.

    A sealer takes a transaction of its own where it is not remembered: ask for it before you open yours.
    """

    def __init__(self, database: Database, secrets: Secrets, *, capacity: int = 10_000) -> None:
        self._database = database
        self._secrets = secrets
        self._tenant_sql = Statements("tenant_keys")
        self._user_sql = Statements("user_keys")
        self._tenants: ShortLived[UUID, Sealer] = ShortLived(life=LIFE, capacity=capacity)
        self._users: ShortLived[tuple[UUID, UUID], Sealer] = ShortLived(life=LIFE, capacity=capacity)

    async def user_sealer(self, tenant_id: UUID, user_id: UUID) -> Sealer:
        """Seals and opens what is private to one user; the first use makes the user's key.

        Raises KeyMissing (erased, or no such user), WrongSecret and Unavailable.
        """
        sealer = self._users.get((tenant_id, user_id))
        if sealer is not None:
            return sealer
        generation = self._users.generation
        tenant = await self.tenant_sealer(tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._user_sql.user_keys, tenant_id, user_id)
            if not rows:
                await self._make_user_key(connection, tenant, user_id)
                rows = await connection.fetch(self._user_sql.user_keys, tenant_id, user_id)
        keys = [
            DataKey.of(row["id"], unwrap_user_key(tenant, user_id, row["id"], row["wrapped_key"]))
            for row in rows
            if row["wrapped_key"] is not None
        ]
        sealer = _sealer(tenant_id, f"user {user_id}", keys)
        # Only now, after the commit: what a key seals that was rolled back, nobody can open.
        self._users.keep((tenant_id, user_id), sealer, generation)
        return sealer

    async def tenant_sealer(self, tenant_id: UUID) -> Sealer:
        """Seals and opens what belongs to the tenant: channel credentials, installations, users' keys.

        Raises KeyMissing, WrongSecret and Unavailable.
        """
        sealer = self._tenants.get(tenant_id)
        if sealer is not None:
            return sealer
        generation = self._tenants.generation
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(self._tenant_sql.tenant_keys, tenant_id)
        root = self._secrets.sealer(tenant_id)
        keys = [
            DataKey.of(row["id"], unwrap_tenant_key(root, row["id"], row["wrapped_key"]))
            for row in rows
            if row["wrapped_key"] is not None
        ]
        sealer = _sealer(tenant_id, f"tenant {tenant_id}", keys)
        self._tenants.keep(tenant_id, sealer, generation)
        return sealer

    async def create_tenant_key(self, connection: asyncpg.Connection[Any], tenant_id: UUID) -> None:
        """Make a new tenant's first key, in the transaction that makes the tenant; once, and never again."""
        key_id = uuid7()
        wrapped = wrap_tenant_key(self._secrets.sealer(tenant_id), key_id, os.urandom(KEY_BYTES))
        await connection.execute(self._tenant_sql.add_tenant_key, tenant_id, key_id, 1, wrapped)

    async def erase_user(self, connection: asyncpg.Connection[Any], tenant_id: UUID, user_id: UUID) -> None:
        """Destroy a user's keys in the caller's transaction, for good; call `forget_user` after its commit.

        Other processes may remember the key for up to a minute more.
        """
        await connection.execute(self._user_sql.lock_user, tenant_id, user_id)
        await connection.execute(self._user_sql.erase_user_keys, tenant_id, user_id)
        await connection.execute(self._user_sql.bar_user_key, tenant_id, uuid7(), user_id)

    def forget_user(self, tenant_id: UUID, user_id: UUID) -> None:
        """Drop what this process remembers of a user's keys."""
        self._users.forget((tenant_id, user_id))

    async def _make_user_key(
        self, connection: asyncpg.Connection[Any], tenant: Sealer, user_id: UUID
    ) -> None:
        key_id = uuid7()
        wrapped = wrap_user_key(tenant, user_id, key_id, os.urandom(KEY_BYTES))
        try:
            await connection.execute(
                self._user_sql.add_user_key, tenant.tenant_id, key_id, user_id, 1, wrapped
            )
        except asyncpg.ForeignKeyViolationError:
            raise KeyMissing(f"there is no user {user_id} to make a key for") from None


def wrap_tenant_key(root: Sealer, key_id: UUID, key: bytes) -> bytes:
    """A tenant's key as `tenant_keys` keeps it."""
    return root.seal("tenant_keys", "wrapped_key", key_id, key)


def unwrap_tenant_key(root: Sealer, key_id: UUID, wrapped: bytes) -> bytes:
    """Raises WrongSecret when no root key that we have wrapped it, SealBroken when it was altered."""
    try:
        return root.open("tenant_keys", "wrapped_key", key_id, wrapped)
    except KeyMissing:
        raise WrongSecret(
            "PARLEY_SECRET_KEY is not the one that this database was sealed with "
            f"(tenant {root.tenant_id}): set that one, or add it after a comma"
        ) from None


def wrap_user_key(tenant: Sealer, user_id: UUID, key_id: UUID, key: bytes) -> bytes:
    """A user's key as `user_keys` keeps it; bound to the user as well as to the row."""
    return tenant.seal("user_keys", "wrapped_key", f"{user_id}/{key_id}", key)


def unwrap_user_key(tenant: Sealer, user_id: UUID, key_id: UUID, wrapped: bytes) -> bytes:
    """Raises KeyMissing when the tenant's key is gone, SealBroken when it was altered or moved."""
    return tenant.open("user_keys", "wrapped_key", f"{user_id}/{key_id}", wrapped)


def _sealer(tenant_id: UUID, owner: str, keys: list[DataKey]) -> Sealer:
    if not keys:
        raise KeyMissing(f"{owner} has no key: it was erased or lost, and is not made anew")
    return Sealer(tenant_id, owner, keys)
