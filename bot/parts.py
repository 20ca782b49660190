"""Resolves what a process stands on: the servers named in the environment, or the embedded ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from bot.runtime import Parts
from config.settings import Settings
from storage.database import server_facts
from storage.embedded.errors import AlreadyRunning
from storage.embedded.servers import Addresses, addresses_in, embedded_servers
from storage.errors import Unavailable
from storage.migrate import head, migrate, runtime_url
from storage.redis import connect, reachable
from storage.secret_key import Secrets, load_or_create_secret

_JOIN_S = 20.0
_LOOK_AGAIN_S = 0.1


@dataclass(frozen=True, slots=True)
class Resolved:
    """The parts, and whether the servers are embedded ones and already run by another process."""

    parts: Parts
    embedded: bool
    shared: bool


@asynccontextmanager
async def resolve(settings: Settings, *, join: bool) -> AsyncIterator[Resolved]:
    """The parts of a process that may use embedded servers, migrated, until the block ends.

    `join` uses the embedded servers of a running process; without it their owner raises AlreadyRunning.
    Raises ConfigError, EmbeddedError, StorageError.
    """
    async with AsyncExitStack() as stack:
        addresses, shared = await _servers(stack, settings, join=join)
        embedded = addresses.owner_url is not None
        # The owner of a server of one's own is all-powerful, so the roles can be made there.
        single_role = settings.parley_single_role and not embedded
        # Somebody else's database is migrated by `run` and `migrate`, never in passing.
        named_owner = None if join else settings.database_owner_url
        if single_role and not join:
            named_owner = named_owner or settings.database_url
        owner = addresses.owner_url or named_owner
        database = runtime_url(addresses.owner_url) if addresses.owner_url else settings.database_url
        redis = addresses.redis_url or settings.redis_url
        assert database is not None and redis is not None
        if owner is not None and not shared:
            await migrate(owner, database, single_role=single_role)
        yield Resolved(
            Parts(
                database,
                redis,
                await _secrets(settings, addresses.owner_url),
                settings.parley_bots_dir,
                single_role,
            ),
            embedded=embedded,
            shared=shared,
        )


async def _servers(stack: AsyncExitStack, settings: Settings, *, join: bool) -> tuple[Addresses, bool]:
    """The embedded servers that are wanted, ours until the stack ends or (True) another process's.

    A process that has just begun or is about to end owns its folder without serving: it is waited for.
    """
    postgres, redis = settings.database_url is None, settings.redis_url is None
    if not (postgres or redis):
        return Addresses(None, None), False
    folder = settings.parley_data_dir
    deadline = time.monotonic() + _JOIN_S
    while True:
        try:
            own = embedded_servers(folder, postgres=postgres, redis=redis)
            return await stack.enter_async_context(own), False
        except AlreadyRunning:
            if not join:
                raise
            addresses = addresses_in(folder, postgres=postgres, redis=redis)
            if await _are_ready(addresses):
                return addresses, True
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _are_ready(addresses: Addresses) -> bool:
    """Whether another process's servers answer, with the schema that we need."""
    if addresses.redis_url is not None:
        redis = connect(addresses.redis_url)
        try:
            with reachable():
                await redis.ping()
        except Unavailable:
            return False
        finally:
            await redis.aclose()
    if addresses.owner_url is not None:
        try:
            return (await server_facts(addresses.owner_url)).revision == head()
        except Unavailable:
            return False
    return True


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
