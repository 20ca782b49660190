"""Resolves what a process stands on: the servers named in the environment, or the embedded ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from bot.answers import ModelAccess
from bot.joining import wanted_servers
from bot.runtime import Parts
from bot.slack.access import SlackAccess
from config.settings import Settings
from storage.migrate import migrate, runtime_url
from storage.secret_key import Secrets, load_or_create_secret

OBJECTS_FOLDER = "objects"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The parts, and whether the database is embedded and already run by another process."""

    parts: Parts
    embedded: bool
    shared: bool


@asynccontextmanager
async def resolve(settings: Settings, *, join: bool, lasting: bool = False) -> AsyncIterator[Resolved]:
    """The parts of a process that may use embedded servers, migrated, until the block ends.

    `join` uses the embedded servers of a running process, and migrates no database but an embedded one; without
    it a running process raises AlreadyRunning. `lasting` is for who stays. Raises ConfigError, EmbeddedError
    and StorageError.
    """
    async with wanted_servers(settings, join=join, lasting=lasting) as servers:
        addresses = servers.addresses
        embedded = addresses.owner_url is not None
        # The owner of a server of one's own is all-powerful, so the roles can be made there.
        single_role = settings.parley_single_role and not embedded
        database = runtime_url(addresses.owner_url) if addresses.owner_url else settings.database_url
        redis = addresses.redis_url or settings.redis_url
        assert database is not None
        assert redis is not None
        owner = addresses.owner_url
        if owner is None and not join:
            owner = settings.database_owner_url or (database if single_role else None)
        if owner is not None and not servers.shared:
            await migrate(owner, database, single_role=single_role)
        secrets = await _secrets(settings, addresses.owner_url)
        # Only where this process, or the one that it joined, is the only one: others do not see the folder.
        own_folder = settings.parley_data_dir / OBJECTS_FOLDER if embedded or not join else None
        store = settings.object_store_url or own_folder
        parts = Parts(
            database,
            redis,
            secrets,
            settings.parley_bots_dir,
            single_role,
            store,
            _model(settings),
            SlackAccess.of(settings),
        )
        yield Resolved(parts, embedded, servers.shared)


def external_parts(settings: Settings) -> Parts:
    """The parts of a process of a deployment. Raises ConfigError for what is not set."""
    settings.require("DATABASE_URL", "REDIS_URL", "PARLEY_SECRET_KEY")
    assert settings.database_url is not None
    assert settings.redis_url is not None
    return Parts(
        settings.database_url,
        settings.redis_url,
        Secrets(settings.secret_keys),
        settings.parley_bots_dir,
        settings.parley_single_role,
        settings.object_store_url,
        _model(settings),
        SlackAccess.of(settings),
    )


def _model(settings: Settings) -> ModelAccess | None:
    """How to reach a model, if there is a key for one."""
    if settings.anthropic_api_key is None:
        return None
    return ModelAccess(settings.anthropic_api_key, settings.anthropic_base_url)


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
