"""A PostgreSQL and a Redis that a test may stop, kill and start again."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from databases import TEMPLATE, DatabaseUrls, make_template, run_as_owner, short_folder, urls_of

from storage.embedded.account import choose_account
from storage.embedded.folders import Folders, lay_out, prepare
from storage.embedded.postgres import EmbeddedPostgres
from storage.embedded.redis import EmbeddedRedis
from storage.embedded.servers import Addresses


@dataclass(frozen=True)
class OwnCluster:
    folders: Folders
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    async def crash_postgres(self) -> None:
        """`kill -9` of the server; its next start recovers."""
        os.kill(int((self.folders.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        await self.postgres.stop()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[DatabaseUrls]:
        """An empty, migrated database."""
        name = f"test_{secrets.token_hex(6)}"
        await run_as_owner(self.postgres.url, f'create database "{name}" template "{TEMPLATE}"')
        yield urls_of(self.postgres.url, name)
        await run_as_owner(self.postgres.url, f'drop database "{name}" with (force)')


@contextmanager
def running_cluster(runner: asyncio.Runner) -> Iterator[OwnCluster]:
    with short_folder("parley-outages-") as parent:
        folders = lay_out(Path(parent) / "var")
        account = choose_account(folders.cluster)
        prepare(folders, account)
        cluster = OwnCluster(folders, EmbeddedPostgres(folders, account), EmbeddedRedis(folders, account))
        try:
            runner.run(cluster.postgres.start())
            runner.run(cluster.redis.start())
            runner.run(make_template(Addresses(cluster.postgres.url, cluster.redis.url)))
            yield cluster
        finally:
            runner.run(cluster.postgres.stop())
            runner.run(cluster.redis.stop())
