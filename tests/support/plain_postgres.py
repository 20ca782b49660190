"""A PostgreSQL such as a host gives: reached by TCP, with passwords, of a chosen version."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from databases import short_folder

from storage.embedded.account import choose_account, give
from storage.embedded.cluster import programs
from storage.embedded.processes import spawn

PASSWORD = "let me in: 50% @ home/office"
QUOTED = "let%20me%20in%3A%2050%25%20%40%20home%2Foffice"


@dataclass(frozen=True)
class PlainPostgres:
    """`postgres` is its superuser; every role's password is PASSWORD."""

    port: int

    def url(self, role: str, database: str = "postgres", password: str = QUOTED) -> str:
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    @asynccontextmanager
    async def connected(self, database: str = "postgres") -> AsyncIterator[asyncpg.Connection[Any]]:
        connection = await asyncpg.connect(self.url("postgres", database))
        try:
            yield connection
        finally:
            await connection.close()

    async def make_database(self, owner: str = "postgres") -> str:
        name = f"test_{secrets.token_hex(6)}"
        async with self.connected() as connection:
            await connection.execute(f'create database "{name}" owner "{owner}"')
        return name


@asynccontextmanager
async def plain_postgres(version: int) -> AsyncIterator[PlainPostgres]:
    """Run PostgreSQL `version` (16 or 18) until the block ends."""
    bin_folder = programs() if version == 18 else programs().parents[1] / "pginstall" / "bin"
    with short_folder("parley-plain-") as folder:
        cluster, log = folder / "cluster", folder / "log"
        cluster.mkdir(mode=0o700)
        account = choose_account(folder / "none")
        give(cluster, account)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        made = spawn(
            [
                bin_folder / "initdb",
                *("-D", cluster, "-U", "postgres", "--auth", "scram-sha-256", "--encoding", "UTF8"),
                *("--pwfile", password, "--no-sync", "--locale", "C"),
            ],
            account,
            log,
        )
        assert await asyncio.to_thread(made.wait, 120) == 0, log.read_text()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = spawn(
            [
                bin_folder / "postgres",
                *("-D", cluster, "-p", str(port), "-c", "listen_addresses=127.0.0.1"),
                *("-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=32MB"),
            ],
            account,
            log,
        )
        try:
            await _answers(PlainPostgres(port), server, log)
            yield PlainPostgres(port)
        finally:
            server.send_signal(signal.SIGINT)
            await asyncio.to_thread(server.wait, 30)


async def _answers(postgres: PlainPostgres, server: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        with contextlib.suppress(OSError, asyncpg.CannotConnectNowError):
            async with postgres.connected():
                return
        assert server.poll() is None, log.read_text()
        await asyncio.sleep(0.02)
