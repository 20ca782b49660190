"""The embedded servers of one data folder, from start to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.account import choose_account
from storage.embedded.errors import EmbeddedError
from storage.embedded.folders import lay_out, prepare
from storage.embedded.ownership import owned
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.redis import EmbeddedRedis


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the embedded servers are; None for one that was not wanted."""

    owner_url: str | None
    redis_url: str | None


def addresses_in(data_dir: Path, *, postgres: bool = True, redis: bool = True) -> Addresses:
    """Where the servers of a data folder are that another process owns and runs."""
    folders = lay_out(data_dir)
    return Addresses(
        owner_url=EmbeddedPostgres(folders, None).url if postgres else None,
        redis_url=EmbeddedRedis(folders, None).url if redis else None,
    )


@asynccontextmanager
async def embedded_servers(
    data_dir: Path, *, postgres: bool = True, redis: bool = True, fsync: bool = True
) -> AsyncIterator[Addresses]:
    """Own the data folder and run the wanted servers in it, until the block ends.

    Servers that a killed owner left behind are stopped first; PostgreSQL recovers by itself.
    `fsync=False` is for tests. Raises AlreadyRunning, DataFolderWrong, CannotStart.
    """
    folders = lay_out(data_dir)
    async with AsyncExitStack() as stack:
        stack.enter_context(owned(folders.lock))
        account = choose_account(folders.cluster)
        prepare(folders, account)
        wanted_postgres = EmbeddedPostgres(folders, account, fsync=fsync) if postgres else None
        wanted_redis = EmbeddedRedis(folders, account) if redis else None
        starting = []
        for server in (wanted_postgres, wanted_redis):
            if server is not None:
                stack.push_async_callback(server.stop)
                starting.append(server.start())
        await _all(starting)
        yield Addresses(
            owner_url=wanted_postgres.url if wanted_postgres else None,
            redis_url=wanted_redis.url if wanted_redis else None,
        )


async def _all(starting: list[Coroutine[None, None, None]]) -> None:
    """Start side by side; the first failure stops the rest and is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starting:
                group.create_task(start)
    except ExceptionGroup as failures:
        for failure in failures.exceptions:
            if isinstance(failure, EmbeddedError):
                raise failure from None
        raise
