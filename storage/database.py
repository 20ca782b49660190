"""Postgres: the two pools, the one place where a transaction gets its tenant, and errors where they enter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import asyncpg
import orjson

from storage.errors import SchemaMismatch, Unavailable, UnsafeRole
from storage.migrate import ROLE_SETTINGS, head
from storage.pool import Pool

LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says of a connection that the server has ended and whose socket is still open.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    # A server that another took over from answers for a moment still.
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    # A full disk, no memory; an operator's hand; somebody who holds a lock or a transaction for too long.
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


async def prepare_connection(connection: asyncpg.Connection[Any]) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value: orjson.dumps(value).decode(),
            decoder=orjson.loads,
        )


class Database:
    """The runtime's connection to Postgres, bound by row-level security."""

    def __init__(self, pool: Pool, dispatch: Pool) -> None:
        self._pool = pool
        self._dispatch = dispatch

    @classmethod
    async def open(
        cls, url: str, dispatch_url: str, *, single_role: bool = False, size: int = 10, timeout: float = 10.0
    ) -> Self:
        """Connect both pools and refuse a role that could look past row-level security.

        Raises Unavailable, UnsafeRole and SchemaMismatch.
        """
        settings = {"application_name": "parley"}
        if single_role:
            settings |= ROLE_SETTINGS
            dispatch_settings = {**settings, "parley.dispatch": "on"}
            dispatch_url = url
        else:
            dispatch_settings = settings
        pools: list[Pool] = []

        def pool_of(pool_url: str, pool_size: int, pool_settings: dict[str, str]) -> Pool:
            async def connect() -> asyncpg.Connection[Any]:
                connection = await asyncpg.connect(
                    pool_url,
                    server_settings=pool_settings,
                    timeout=timeout,
                    command_timeout=30,
                    statement_cache_size=200,
                )
                try:
                    await prepare_connection(connection)
                except BaseException:
                    connection.terminate()
                    raise
                return connection

            pools.append(Pool(connect, pool_size, LOST))
            return pools[-1]

        try:
            # The role first: before the database is migrated there is no dispatcher to log in as.
            pool = pool_of(url, size, settings)
            await _refuse_unsafe_role(pool, single_role)
            dispatch = pool_of(dispatch_url, 2, dispatch_settings)
            async with dispatch.acquire():
                database = cls(pool, dispatch)
        except BaseException as error:
            for pool in pools:
                pool.terminate()
            if isinstance(error, LOST):
                raise Unavailable(f"cannot reach Postgres: {_reason(error)}; check DATABASE_URL") from error
            if isinstance(error, asyncpg.PostgresError):
                raise Unavailable(
                    f"Postgres refused the login: {_reason(error)}; check DATABASE_URL, whose role "
                    "`parley migrate` creates"
                ) from error
            raise
        return database

    async def close(self) -> None:
        """Close both pools, waiting a little for what is under way."""
        for pool in (self._pool, self._dispatch):
            try:
                await asyncio.wait_for(pool.close(), 5)
            except (TimeoutError, *LOST):
                pool.terminate()

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A transaction that sees this tenant's rows only. Raises Unavailable when Postgres is away."""
        with _MappingLoss():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("select set_config('parley.tenant_id', $1, true)", str(tenant_id))
                yield connection

    @asynccontextmanager
    async def dispatch(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection that looks across tenants, at routing and queue columns only."""
        with _MappingLoss():
            async with self._dispatch.acquire() as connection:
                yield connection

    async def call(self, statement: str, *arguments: Any) -> asyncpg.Record:
        """Call one of the turn's functions: it sets the tenant itself and is a transaction of its own."""
        with _MappingLoss():
            async with self._pool.acquire() as connection:
                row = await connection.fetchrow(statement, *arguments)
        assert row is not None
        return row

    async def call_many(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Call a function of several rows that sets the tenant itself."""
        with _MappingLoss():
            async with self._pool.acquire() as connection:
                rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return rows

    async def ping(self) -> None:
        """Raise Unavailable unless Postgres answers within two seconds."""
        with _MappingLoss():
            async with asyncio.timeout(2), self._pool.acquire() as connection:
                await connection.execute("select 1")


async def _refuse_unsafe_role(pool: Pool, single_role: bool) -> None:
    async with pool.acquire() as connection:
        row = await connection.fetchrow(
            """
            select r.rolname, r.rolsuper, r.rolbypassrls,
                   to_regclass('public.sessions') is not null
                   and to_regclass('public.alembic_version') is not null as migrated,
                   exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                           where pg_has_role(current_user, c.relowner, 'member') and c.relkind in ('r', 'p')
                             and n.nspname in ('public', 'analytics')) as owns,
                   exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                           where c.relkind = 'r' and n.nspname = 'public' and c.relname <> 'alembic_version'
                             and not (c.relrowsecurity and c.relforcerowsecurity)) as unprotected
            from pg_roles r where r.rolname = current_user
            """
        )
        assert row is not None
        revision = ""
        if row["migrated"]:
            revision = await connection.fetchval("select version_num from alembic_version")
    role = row["rolname"]
    if row["rolsuper"] or row["rolbypassrls"]:
        raise UnsafeRole(
            f"DATABASE_URL's role {role!r} can look past row-level security; "
            "use parley_runtime, which `parley migrate` creates"
        )
    if not row["migrated"]:
        raise SchemaMismatch("the database has no Parley schema; run `parley migrate`")
    if revision < head():
        raise SchemaMismatch(
            f"the database's schema is at {revision} and this version needs {head()}; run `parley migrate`"
        )
    if row["owns"] and not single_role:
        raise UnsafeRole(
            f"DATABASE_URL's role {role!r} owns Parley's tables; use parley_runtime, or set "
            "PARLEY_SINGLE_ROLE=1 where the host gives one role only"
        )
    if row["unprotected"]:
        raise UnsafeRole("a table is without forced row-level security; run `parley migrate`")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What a server says of itself; `revision` is the schema's, None where there is none."""

    version: int
    has_vector: bool
    revision: str | None


async def server_facts(url: str) -> ServerFacts:
    """Ask the server of `url`, as the runtime's role. Raises Unavailable."""
    with _MappingLoss():
        try:
            connection = await asyncpg.connect(url, timeout=10)
        except asyncpg.PostgresError as error:
            raise Unavailable(f"Postgres refused the login: {_reason(error)}; check DATABASE_URL") from error
        try:
            version = await connection.fetchval("select current_setting('server_version_num')::int / 10000")
            vector = await connection.fetchval(
                "select exists (select from pg_extension where extname = 'vector')"
            )
            revision = None
            if await connection.fetchval("select to_regclass('public.alembic_version') is not null"):
                revision = await connection.fetchval("select version_num from alembic_version")
        finally:
            await connection.close()
    return ServerFacts(version, vector, revision)


class _MappingLoss:
    """Maps what asyncpg raises when Postgres is away or busy to Unavailable."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # A ValueError among them is asyncpg's word for an argument of ours that it cannot send.
        if isinstance(error, LOST) and not isinstance(error, ValueError):
            raise Unavailable(f"Postgres is not available: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
