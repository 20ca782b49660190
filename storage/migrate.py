"""Brings a database to this version's schema: the roles first, then Alembic's versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from storage.errors import SchemaMismatch, StorageError, Unavailable

RUNTIME_ROLE = "parley_runtime"
DISPATCH_ROLE = "parley_dispatch"
# Kept at the roles, since a pooler refuses start-up parameters that it does not know. Whoever freezes inside a
# transaction, or waits for one who did, must not hold up everybody else.
ROLE_SETTINGS = {
    "jit": "off",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "15s",
}
OLDEST_POSTGRES = 15
_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 7_205_759_403  # any constant: one migration at a time in a cluster


async def migrate(owner_url: str, runtime_url: str, *, single_role: bool = False) -> list[str]:
    """Create the roles (with the password in `runtime_url`) and run what is missing; returns the revisions run.

    Raises Unavailable when Postgres is away, SchemaMismatch when a version cannot run or the database is of a
    newer Parley, and StorageError when the owner may not do what is needed.
    """
    try:
        lock = await asyncpg.connect(owner_url, timeout=10)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Unavailable(f"cannot reach Postgres: {error}; check DATABASE_OWNER_URL") from error
    try:
        await _check_server(lock)
        await lock.execute("select pg_advisory_lock($1)", _LOCK)
        if not single_role:
            await _create_roles(lock, runtime_url)
        before = await _current(lock)
        if before is not None and before > head():
            raise SchemaMismatch(
                f"the database is at schema {before}, newer than this Parley's {head()}: run the newer Parley"
            )
        missing = [revision for revision in revisions() if before is None or revision > before]
        if missing:
            # Imported here: it takes longer than the rest of a start that finds nothing to do.
            from storage.versions import upgrade

            await upgrade(owner_url, _MIGRATIONS, single_role=single_role)
        return missing
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise Unavailable(
            f"Postgres went away while migrating: {error}; run `parley migrate` again"
        ) from error
    finally:
        await lock.close()


def head() -> str:
    """The revision that this version of Parley needs."""
    return revisions()[-1]


def revisions() -> list[str]:
    """All revisions in order: a version's file begins with its revision, four digits."""
    return sorted(path.name[:4] for path in (_MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py"))


def dispatch_url(runtime_url: str) -> str:
    """The dispatcher's login: the runtime's, with the other role's name."""
    return _as_role(runtime_url, DISPATCH_ROLE)


def runtime_url(owner_url: str) -> str:
    """The runtime's login on an embedded server, where all roles share the owner's way in."""
    return _as_role(owner_url, RUNTIME_ROLE)


def _as_role(url: str, role: str) -> str:
    parts = urlsplit(url)
    credentials, _, host = parts.netloc.rpartition("@")
    _, colon, password = credentials.partition(":")
    return parts._replace(netloc=f"{role}{colon}{password}@{host}").geturl()


async def _check_server(connection: asyncpg.Connection[Any]) -> None:
    version = await connection.fetchval("select current_setting('server_version_num')::int / 10000")
    if version < OLDEST_POSTGRES:
        raise StorageError(f"PostgreSQL {version} is too old: Parley needs {OLDEST_POSTGRES} or newer")


async def _current(connection: asyncpg.Connection[Any]) -> str | None:
    if await connection.fetchval("select to_regclass('public.alembic_version') is null"):
        return None
    version: str | None = await connection.fetchval("select version_num from alembic_version")
    return version


async def _create_roles(connection: asyncpg.Connection[Any], runtime_url: str) -> None:
    parts = urlsplit(runtime_url)
    user = unquote(parts.username or "")
    if user != RUNTIME_ROLE:
        raise StorageError(
            f"DATABASE_URL must log in as {RUNTIME_ROLE} (it says {user or 'nobody'!r}); "
            "or set PARLEY_SINGLE_ROLE=1 where the host gives one role only"
        )
    password = unquote(parts.password) if parts.password else None
    for role in (RUNTIME_ROLE, DISPATCH_ROLE):
        exists = await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role)
        verb = "alter" if exists else "create"
        statement = await connection.fetchval(
            f"select format('{verb} role %I login password %L', $1::text, $2::text)",
            role,
            password,
        )
        try:
            await connection.execute(statement)
            for setting, value in ROLE_SETTINGS.items():
                await connection.execute(f"alter role {role} set {setting} = '{value}'")
        except asyncpg.InsufficientPrivilegeError as error:
            if exists:
                # An administrator made it; whether its password is the one in DATABASE_URL shows at start.
                continue
            raise StorageError(
                f"DATABASE_OWNER_URL's role may not create the role {role}; let an administrator do it, "
                "or set PARLEY_SINGLE_ROLE=1"
            ) from error
