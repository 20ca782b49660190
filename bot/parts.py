"""Resolves what a process stands on: the servers named in the environment, or the embedded ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from bot.runtime import Parts
from config.settings import Settings
from storage.embedded.errors import AlreadyRunning
from storage.embedded.servers import Addresses, addresses_in, embedded_servers
from storage.migrate import migrate, runtime_url
from storage.secret_key import Secrets, load_or_create_secret


@dataclass(frozen=True, slots=True)
class Resolved:
    """The parts, and whether the servers are embedded ones and already run by another process."""

    parts: Parts
    embedded: bool
    shared: bool


@asynccontextmanager
async def resolve(settings: Settings, *, join: bool) -> AsyncIterator[Resolved]:
    """The parts of a process that may use embedded servers, migrated, until the block ends.

    `join` uses the embedded servers of a running process instead of raising AlreadyRunning.
    Raises ConfigError, EmbeddedError, StorageError.
    """
    wants_postgres, wants_redis = settings.database_url is None, settings.redis_url is None
    async with AsyncExitStack() as stack:
        shared = False
        addresses = Addresses(None, None)
        if wants_postgres or wants_redis:
            try:
                addresses = await stack.enter_async_context(
                    embedded_servers(settings.parley_data_dir, postgres=wants_postgres, redis=wants_redis)
                )
            except AlreadyRunning:
                if not join:
                    raise
                shared = True
                addresses = addresses_in(settings.parley_data_dir, postgres=wants_postgres, redis=wants_redis)
        owner = addresses.owner_url or settings.database_owner_url
        database = runtime_url(addresses.owner_url) if addresses.owner_url else settings.database_url
        redis = addresses.redis_url or settings.redis_url
        assert database is not None and redis is not None
        if owner is not None and not shared:
            await migrate(owner, database, single_role=settings.parley_single_role)
        yield Resolved(
            Parts(
                database,
                redis,
                await _secrets(settings, addresses.owner_url),
                settings.parley_bots_dir,
                settings.parley_single_role,
            ),
            embedded=addresses.owner_url is not None,
            shared=shared,
        )


def external_parts(settings: Settings) -> Parts:
    """The parts of a process of a deployment. Raises ConfigError for what is not set."""
    settings.require("DATABASE_URL", "REDIS_URL", "PARLEY_SECRET_KEY")
    assert settings.database_url is not None and settings.redis_url is not None
    return Parts(
        settings.database_url,
        settings.redis_url,
        Secrets(settings.secret_keys),
        settings.parley_bots_dir,
        settings.parley_single_role,
    )


async def _secrets(settings: Settings, embedded_owner_url: str | None) -> Secrets:
    if settings.secret_keys:
        return Secrets(settings.secret_keys)
    if embedded_owner_url is None:
        settings.require("PARLEY_SECRET_KEY")
    # The embedded server's owner is its superuser, so it sees the keys of all tenants.
    connection = await asyncpg.connect(embedded_owner_url, timeout=10)
    try:
        has_keys = await connection.fetchval("select exists (select from tenant_keys)")
    finally:
        await connection.close()
    return Secrets([load_or_create_secret(settings.parley_data_dir, database_has_keys=has_keys)])
