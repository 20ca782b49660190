"""The embedded PostgreSQL: reached by a Unix socket only, in a folder private to its account."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil

from storage.embedded import processes
from storage.embedded.account import Account
from storage.embedded.cluster import OWNER, ensure_cluster, programs
from storage.embedded.errors import CannotStart
from storage.embedded.folders import Folders

DATABASE = "parley"
# Only part of the socket's name; said aloud since PGPORT would change it.
PORT = 5432

# Recovery after a crash may take long; a server that is alive is waited for.
_START_SECONDS = 120.0
# Fast shutdown, then immediate (recovers at the next start), then by force.
_STOP = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_KILL = ((signal.SIGQUIT, 2.0), (signal.SIGKILL, 5.0))
_LOG_BYTES = 5_000_000

# For a small machine that has other things to do.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "cluster_name": "parley",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "io_method": "sync",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failing row or statement would put what people wrote into the log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class EmbeddedPostgres:
    """One server on `folders.cluster`; the data folder must be owned by this process."""

    def __init__(self, folders: Folders, account: Account | None, *, fsync: bool = True) -> None:
        self._folders = folders
        self._account = account
        self._fsync = fsync
        self._log = folders.logs / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The database as its owner."""
        return f"postgresql://{OWNER}@/{DATABASE}?host={quote(str(self._folders.sockets))}&port={PORT}"

    async def start(self) -> None:
        """Start it, making its files first if needed. Raises CannotStart, DataFolderWrong."""
        await self._stop_leftovers()
        # In a thread: initdb takes a while and what starts beside us should go on.
        await asyncio.to_thread(ensure_cluster, self._folders, self._account, fsync=self._fsync)
        _forget_reused_pid(self._folders)
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
        said_before = self._log.stat().st_size if self._log.exists() else 0
        settings = _SETTINGS | ({} if self._fsync else {"fsync": "off", "full_page_writes": "off"})
        self._process = processes.spawn(
            [
                *(
                    programs() / "postgres",
                    "-D",
                    self._folders.cluster,
                    "-k",
                    self._folders.sockets,
                    "-p",
                    str(PORT),
                ),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            self._account,
            self._log,
        )
        try:
            await self._ensure_database(said_before)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it, by force if it does not listen; nothing is done when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            await processes.stop(process.pid, lambda: process.poll() is not None, _STOP)

    async def _ensure_database(self, said_before: int) -> None:
        try:
            async with asyncio.timeout(_START_SECONDS):
                connection = await self._connect(said_before)
                try:
                    if not await connection.fetchval(
                        "select true from pg_database where datname = $1", DATABASE
                    ):
                        await connection.execute(f'create database "{DATABASE}"')
                finally:
                    await connection.close()
        except TimeoutError:
            raise CannotStart(
                f"PostgreSQL did not answer in {_START_SECONDS:.0f} s: see {self._log}"
            ) from None
        except (asyncpg.PostgresError, OSError) as error:
            raise processes.explained(str(error), self._folders.cluster, self._account) from None

    async def _connect(self, said_before: int) -> asyncpg.Connection[Any]:
        while True:
            with contextlib.suppress(OSError, asyncpg.CannotConnectNowError):
                return await asyncpg.connect(
                    host=str(self._folders.sockets), port=PORT, user=OWNER, database="postgres"
                )
            if self._process is None or self._process.poll() is not None:
                words = self._log.read_bytes()[said_before:].decode(errors="replace")
                raise processes.explained(words, self._folders.cluster, self._account)
            await asyncio.sleep(0.02)

    async def _stop_leftovers(self) -> None:
        cluster = self._folders.cluster
        for process in processes.find("postgres", lambda p: str(cluster) in p.cmdline()):
            await processes.stop_leftover(process, _STOP)
        # Its children go with it, but for a moment when the server itself was killed.
        for process in processes.find("postgres", lambda p: Path(p.cwd()) == cluster):
            await processes.stop_leftover(process, _KILL)


def _forget_reused_pid(folders: Folders) -> None:
    """Remove a pid file whose pid is now somebody else's: PostgreSQL would take that one for itself.

    Called when no process of ours is left. A pid of nobody's is judged by PostgreSQL.
    """
    for path in (folders.cluster / "postmaster.pid", folders.sockets / ".s.PGSQL.5432.lock"):
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            if psutil.pid_exists(int(path.read_text().splitlines()[0])):
                path.unlink()
