"""A pool of connections to Postgres: taking one and giving it back costs no round trip and no task.

asyncpg's own pool makes a task for each release and wraps each call, which was a tenth of a turn's CPU. Ours can
do without, because nothing has to be reset: all settings are made with `set_config(…, true)` and end with their
transaction; there are no listeners, cursors WITH HOLD, advisory session locks or SET ROLE anywhere in Parley.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"

LONGEST_WAIT_S = 30.0


class Pool:
    """At most `size` connections, opened when needed; the one last used is used next.

    A connection is used again unless its block ended with a cancellation or one of the errors in `lost`, or left
    a transaction open.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], size: int, lost: tuple[type[BaseException], ...]
    ) -> None:
        self._connect = connect
        self._size = size
        self._lost: tuple[type[BaseException], ...] = (asyncio.CancelledError, *lost)
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._opening = 0
        # Who waits gets a connection, or None and with it the right to open one.
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._settled = asyncio.Event()

    def acquire(self) -> _Use:
        """`async with pool.acquire() as connection`; raises what connecting raises."""
        return _Use(self)

    async def close(self) -> None:
        """Close what is idle now and the rest as it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()
        if self._busy:
            await self._settled.wait()

    def terminate(self) -> None:
        """Close everything at once."""
        self._closed = True
        for connection in (*self._idle, *self._busy):
            connection.terminate()
        self._idle.clear()

    async def take(self) -> Connection:
        """A connection that nobody else has until it is given back. Raises TimeoutError when all stay in use."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                self._busy.add(connection)
                return connection
        if len(self._busy) + self._opening < self._size:
            self._opening += 1
            return await self._open()
        waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        async with asyncio.timeout(LONGEST_WAIT_S):
            try:
                handed = await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._hand_on(waiter.result())
                raise
        return await self._open() if handed is None else handed

    def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """End the use of a connection, which ended with `error` if it failed."""
        broken = isinstance(error, self._lost) or connection.is_closed() or connection.is_in_transaction()
        if broken or self._closed:
            self._busy.discard(connection)
            connection.terminate()
            self._opening += 1
            self._hand_on(None)
        else:
            self._hand_on(connection)
        if self._closed and not self._busy:
            self._settled.set()

    async def _open(self) -> Connection:
        """Open the connection that `_opening` counts already."""
        try:
            if self._closed:
                raise asyncpg.InterfaceError("the pool is closed")
            connection = await self._connect()
        except BaseException:
            self._hand_on(None)
            raise
        self._opening -= 1
        self._busy.add(connection)
        return connection

    def _hand_on(self, free: Connection | None) -> None:
        """Give a connection, or the right to open one, to who waits longest; else keep or drop it."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(free)
                return
        if free is None:
            self._opening -= 1
        else:
            self._busy.discard(free)
            self._idle.append(free)


class _Use:
    """One use of a connection."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        self._connection = await self._pool.take()
        return self._connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._pool.give_back(self._connection, error)
