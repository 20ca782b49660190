"""The ways to reach another tenant's row. Each returns what it managed to do, or None.

They run as the runtime role acting for one tenant (`ours`), on a row of the other (`theirs`). A refusal must
be row-level security's or a missing grant's: another error would mean that only chance stood in the way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

import asyncpg
from asyncpg.exceptions import ForeignKeyViolationError, InsufficientPrivilegeError
from catalogue import Table
from estate import Estate
from plant import insert, key_of, made_up, stored, where

Way: TypeAlias = Callable[[Estate, Table], Awaitable[str | None]]


async def select(estate: Estate, table: Table) -> str | None:
    """Read their row by its key, and among all rows."""
    theirs = key_of(table, estate.their_rows[table.name])
    try:
        async with estate.runtime.transaction():
            by_key = await estate.runtime.fetch(f"select 1 from {table.name} where {where(table)}", *theirs)
            tenants = await estate.runtime.fetch(f"select distinct tenant_id::text as id from {table.name}")
    except InsufficientPrivilegeError:
        return None
    if by_key or {row["id"] for row in tenants} - {estate.ours}:
        return "their row can be read"
    return None


async def update(estate: Estate, table: Table) -> str | None:
    """Change their row, or take it over."""
    for change in ("tenant_id = tenant_id", f"tenant_id = '{estate.ours}'"):
        done = await _run(
            estate,
            f"update {table.name} set {change} where {where(table)}",
            key_of(table, estate.their_rows[table.name]),
        )
        if done not in (None, "UPDATE 0"):
            return f"their row can be updated: {done}"
    return None


async def give_away(estate: Estate, table: Table) -> str | None:
    """Move our row to them."""
    done = await _run(
        estate,
        f"update {table.name} set tenant_id = '{estate.theirs}' where {where(table)}",
        key_of(table, estate.our_rows[table.name]),
    )
    return done and f"our row can be moved to them: {done}"


async def delete(estate: Estate, table: Table) -> str | None:
    """Delete their row, by its key and among all rows."""
    statement = f"delete from {table.name} where tenant_id <> '{estate.ours}' or {where(table)}"
    done = await _run(estate, statement, key_of(table, estate.their_rows[table.name]))
    return None if done in (None, "DELETE 0") else f"their row can be deleted: {done}"


async def add(estate: Estate, table: Table) -> str | None:
    """Insert a row of theirs."""
    row = made_up(table, estate.theirs, estate.their_rows)
    done = await _insert(estate, table, row, "")
    return done and f"a row of theirs can be inserted: {done}"


async def upsert(estate: Estate, table: Table) -> str | None:
    """Overwrite or swallow their row by a conflict on its key."""
    keys = ", ".join(table.primary_key)
    for conflict in (
        "on conflict do nothing",
        f"on conflict ({keys}) do update set tenant_id = excluded.tenant_id",
    ):
        done = await _insert(estate, table, estate.their_rows[table.name], conflict)
        if done:
            return f"their row can be met by a conflict: {done}"
    return None


async def refer(estate: Estate, table: Table) -> str | None:
    """Let our row refer to theirs, one foreign key at a time.

    Foreign keys ignore row-level security, so this is asked of the owner: whoever writes, it must not hold.
    """
    for key in table.foreign_keys:
        foreign = [
            (column, estate.their_rows[key.parent][theirs])
            for column, theirs in zip(key.columns, key.parent_columns, strict=True)
            if column != "tenant_id"
        ]
        if not foreign:
            continue
        ours = key_of(table, estate.our_rows[table.name])
        types = {column.name: column.type for column in table.columns}
        changes = ", ".join(
            f"{column} = ${len(ours) + n}::text::{types[column]}" for n, (column, _) in enumerate(foreign, 1)
        )
        try:
            async with estate.owner.transaction():
                await estate.owner.execute(
                    f"update {table.name} set {changes} where {where(table)}",
                    *ours,
                    *(value for _, value in foreign),
                )
                raise _Undone
        except ForeignKeyViolationError:
            continue
        except _Undone:
            return f"our row can refer to theirs by {key.name}"
    return None


WAYS: tuple[Way, ...] = (select, update, give_away, delete, add, upsert, refer)


async def leaks(estate: Estate, way: Way) -> list[str]:
    """What `way` manages, table by table; whatever it did is undone."""
    found = []
    for table in estate.tables:
        before = await stored(estate.owner, table, estate.their_rows[table.name])
        assert before is not None, f"nothing of theirs is in {table.name}"
        leak = await way(estate, table)
        if leak is None and await stored(estate.owner, table, estate.their_rows[table.name]) != before:
            leak = "their row is another than before"
        if leak:
            found.append(f"{table.name}: {leak}")
    return found


class _Undone(Exception):
    """Rolls a successful trespass back."""


async def _run(estate: Estate, statement: str, arguments: list[str]) -> str | None:
    done: str | None = None
    try:
        async with estate.runtime.transaction():
            done = await estate.runtime.execute(statement, *arguments)
            raise _Undone
    except InsufficientPrivilegeError:
        return None
    except _Undone:
        return done
    except asyncpg.PostgresError as error:
        return f"only {type(error).__name__} stood in the way"


async def _insert(estate: Estate, table: Table, row: dict[str, str], conflict: str) -> str | None:
    fresh = row if conflict else row | {name: str(uuid4()) for name in ("id",) if name in row}
    done: str | None = None
    try:
        async with estate.runtime.transaction():
            done = await insert(estate.runtime, table, fresh, conflict=conflict)
            raise _Undone
    except InsufficientPrivilegeError:
        return None
    except _Undone:
        return done
    except asyncpg.PostgresError as error:
        return f"only {type(error).__name__} stood in the way"
