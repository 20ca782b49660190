"""Several commands on the embedded servers of one data folder.

Whoever comes first owns the folder and runs the servers in it; others join. Short commands take turns, so that
none stops the servers under another; a lasting one (`run`, `chat`) holds the turn only while it starts and
while it stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from storage.database import server_facts
from storage.embedded.errors import AlreadyRunning
from storage.embedded.folders import lay_out
from storage.embedded.ownership import owned
from storage.embedded.servers import Addresses, addresses_in, embedded_servers
from storage.errors import Unavailable
from storage.migrate import head
from storage.redis import connect, reachable

TURN_S = 30.0
LEAVE_S = 5.0
JOIN_S = 20.0
LOOK_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class Servers:
    """The embedded servers that were wanted; `shared` when another process runs them."""

    addresses: Addresses
    shared: bool


@asynccontextmanager
async def wanted_servers(settings: Settings, *, join: bool, lasting: bool) -> AsyncIterator[Servers]:
    """The embedded servers that the settings leave to us, until the block ends.

    `join` uses those of another process; without it their owner raises AlreadyRunning. Raises EmbeddedError.
    """
    postgres, redis = settings.database_url is None, settings.redis_url is None
    if not (postgres or redis):
        yield Servers(Addresses(None, None), shared=False)
        return
    folder = settings.parley_data_dir
    async with AsyncExitStack() as turn, AsyncExitStack() as stack:
        await turn.enter_async_context(_turn(folder, TURN_S))
        servers = await _own_or_join(stack, folder, postgres=postgres, redis=redis, join=join)
        if not lasting:
            yield servers
            return
        await turn.aclose()
        try:
            yield servers
        finally:
            if not servers.shared:
                # Whoever works on our servers right now is let finish, within reason.
                with contextlib.suppress(AlreadyRunning):
                    await turn.enter_async_context(_turn(folder, LEAVE_S))


@asynccontextmanager
async def _turn(folder: Path, limit_s: float) -> AsyncIterator[None]:
    lock = lay_out(folder).root / "turn.lock"
    deadline = time.monotonic() + limit_s
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(owned(lock))
                break
            except AlreadyRunning:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(LOOK_AGAIN_S)
        yield


async def _own_or_join(
    stack: AsyncExitStack, folder: Path, *, postgres: bool, redis: bool, join: bool
) -> Servers:
    """Own the folder, or join its owner, who may just be starting or stopping."""
    deadline = time.monotonic() + JOIN_S
    while True:
        try:
            own = embedded_servers(folder, postgres=postgres, redis=redis)
            return Servers(await stack.enter_async_context(own), shared=False)
        except AlreadyRunning:
            if not join:
                raise
            addresses = addresses_in(folder, postgres=postgres, redis=redis)
            if await _are_ready(addresses):
                return Servers(addresses, shared=True)
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(LOOK_AGAIN_S)


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
