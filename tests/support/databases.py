"""The servers that a test run works on, and the database that one test has for itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from storage.embedded.errors import EmbeddedError
from storage.embedded.servers import Addresses, embedded_servers
from storage.migrate import RUNTIME_ROLE, dispatch_url, migrate

TEMPLATE = "parley_template"
_PREFIX = "parley-tests-"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database, as its owner, as the runtime role and as the dispatcher."""

    owner_url: str
    runtime_url: str
    dispatch_url: str


@contextmanager
def short_folder(prefix: str = _PREFIX) -> Iterator[Path]:
    """A temporary folder with a short path, open to the account that root's servers run as."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        if os.geteuid() == 0:
            folder.chmod(0o711)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_servers(runner: asyncio.Runner) -> Iterator[Addresses]:
    """Run PostgreSQL and Redis of this test process alone. Its PostgreSQL does not survive a power cut."""
    runner.run(_clear_up_after_killed_runs())
    with short_folder() as folder:
        stack = AsyncExitStack()
        addresses = runner.run(stack.enter_async_context(embedded_servers(folder, fsync=False)))
        try:
            yield addresses
        finally:
            runner.run(stack.aclose())


async def make_template(addresses: Addresses) -> DatabaseUrls:
    """Create the migrated database that each test's own is copied from."""
    assert addresses.owner_url is not None
    await run_as_owner(addresses.owner_url, f'create database "{TEMPLATE}"')
    urls = urls_of(addresses.owner_url, TEMPLATE)
    await migrate(urls.owner_url, urls.runtime_url)
    return urls


def urls_of(owner_url: str, name: str) -> DatabaseUrls:
    """The addresses of the database called `name` on the server of `owner_url`."""
    owner = urlsplit(owner_url)._replace(path=f"/{name}")
    runtime = owner._replace(netloc=f"{RUNTIME_ROLE}@").geturl()
    return DatabaseUrls(owner.geturl(), runtime, dispatch_url(runtime))


async def run_as_owner(owner_url: str, statement: str) -> None:
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _clear_up_after_killed_runs() -> None:
    for folder in _folders_with_clusters():
        try:
            # Owning it proves that its run is over; starting in it stops what that run left behind.
            async with embedded_servers(folder, fsync=False):
                pass
        except EmbeddedError:
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _folders_with_clusters() -> list[Path]:
    """Only those whose run came past its first steps, so that one just beginning is left alone."""
    ours = (folder for folder in Path("/tmp").glob(f"{_PREFIX}*") if folder.stat().st_uid == os.geteuid())
    return [folder for folder in ours if (folder / "postgres").is_dir()]
