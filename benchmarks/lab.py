"""Where everything is measured: a scratch folder, one PostgreSQL and one Redis for all contenders."""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from benchmarks.programs import Program, free_port
from storage.embedded.servers import embedded_servers
from storage.migrate import migrate, runtime_url

_TEMPLATE = "bench_template"
BOTS = Path(__file__).parent / "tenants"


@dataclass(frozen=True, slots=True)
class Lab:
    """The servers, and the start of everything that talks to them. `folder` goes away at the end."""

    folder: Path
    owner_url: str
    redis_url: str
    secret: str

    async def database(self, name: str) -> str:
        """A new, migrated database; its owner's address."""
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute(f'create database "{name}" template "{_TEMPLATE}"')
        finally:
            await connection.close()
        return urlsplit(self.owner_url)._replace(path=f"/{name}").geturl()

    def environment(self, owner_url: str, redis_number: int) -> dict[str, str]:
        """The settings of a Parley process on this database, with a Redis of its own."""
        return {
            "DATABASE_URL": runtime_url(owner_url),
            "REDIS_URL": self.redis_url.replace("db=0", f"db={redis_number}"),
            "PARLEY_SECRET_KEY": self.secret,
            "PARLEY_BOTS_DIR": str(BOTS),
            "PARLEY_LOG_FORMAT": "json",
        }

    def start(self, name: str, *arguments: str, environment: dict[str, str] | None = None) -> Program:
        return Program(name, list(arguments), self.folder, environment or {}, port=free_port())

    @property
    def postgres_pid(self) -> int:
        lines = (self.folder / "servers" / "postgres" / "postmaster.pid").read_text().splitlines()
        return int(lines[0])


@asynccontextmanager
async def scratch() -> AsyncIterator[Path]:
    """A folder with a short path, open to the account that root's servers run as."""
    folder = Path(tempfile.mkdtemp(prefix="parley-bench-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def open_lab() -> AsyncIterator[Lab]:
    """Run the servers until the block ends, as `parley run` would: durable, with fsync."""
    async with scratch() as folder, embedded_servers(folder / "servers") as addresses:
        assert addresses.owner_url is not None and addresses.redis_url is not None
        connection = await asyncpg.connect(addresses.owner_url)
        try:
            await connection.execute(f'create database "{_TEMPLATE}"')
        finally:
            await connection.close()
        template = urlsplit(addresses.owner_url)._replace(path=f"/{_TEMPLATE}").geturl()
        await migrate(template, runtime_url(template))
        secret = base64.b64encode(os.urandom(32)).decode()
        yield Lab(folder, addresses.owner_url, addresses.redis_url, secret)


@asynccontextmanager
async def run_parley(folder: Path, bots: Path) -> AsyncIterator[Program]:
    """`parley run` with a data folder inside `folder`, from its announcement until the block ends."""
    folder.mkdir(exist_ok=True)
    environment = {
        "PARLEY_DATA_DIR": str(folder / "var"),
        "PARLEY_BOTS_DIR": str(bots),
        "PARLEY_LOG_FORMAT": "json",
    }
    async with Program("run", ["bot", "run"], folder, environment, port=free_port()) as program:
        await program.said(b"Parley is ready")
        yield program
