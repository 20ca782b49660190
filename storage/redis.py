"""Redis: what may be lost. One connection pool, one function for keys, and errors where they enter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias
from urllib.parse import quote
from uuid import UUID

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from storage.errors import Unavailable

Kind: TypeAlias = Literal["session_state", "rate_limit", "otp", "ticket", "stream", "wake"]

_LOST = (
    OSError,
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ClusterDownError,
    exceptions.NoPermissionError,
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,
)


def connect(url: str, *, size: int = 32, timeout: float = 1.0) -> Redis:
    """A client for `url` (redis://, rediss://, unix://); it connects when first used.

    `timeout` is in seconds, for connecting, for each answer, and for a free connection when all `size` are in
    use. Nothing is tried twice: a command whose answer was lost may have run.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=size,
        timeout=timeout,
        socket_connect_timeout=timeout,
        socket_timeout=timeout,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 0),
        client_name="parley",
    )
    return Redis.from_pool(pool)


def key(kind: Kind, tenant_id: UUID, *parts: UUID | str) -> str:
    """The one way to a key: its kind, its tenant, what it is of.

    Parts are quoted, so that none can contain the separator. The braces keep a tenant's keys in one slot of a
    cluster, which scripts over two keys need.
    """
    return ":".join((kind, f"{{{tenant_id}}}", *(quote(str(part), safe="") for part in parts)))


@contextmanager
def reachable() -> Iterator[None]:
    """Map what redis-py raises when Redis is away, busy, full or refusing to Unavailable."""
    try:
        yield
    except _LOST as error:
        reason = str(error) or type(error).__name__
        raise Unavailable(f"Redis is not available: {reason}; check REDIS_URL") from error
