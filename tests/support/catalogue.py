"""Reads from Postgres' own catalogue which tables hold tenants' rows and how they are kept apart.

The tenancy tests are generated from this, so a new table is covered without anybody thinking of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

# Across tenants on purpose, each for a reason that its migration gives.
GLOBAL_KEYS = {"tenants.tenants_slug_key", "channels.channels_account"}

POLICY = "(tenant_id = current_tenant())"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    partition_of: str | None
    partitions: tuple[str, ...]


async def tenant_tables(connection: asyncpg.Connection[Any]) -> list[Table]:
    """Every table with a `tenant_id`, parents before children."""
    rows = await connection.fetch(
        """
        select c.oid::regclass::text as name,
               (select array_agg(i.inhparent::regclass::text) from pg_inherits i
                where i.inhrelid = c.oid) as parents,
               (select array_agg(pg_get_expr(p.relpartbound, p.oid)) from pg_inherits i
                join pg_class p on p.oid = i.inhrelid where i.inhparent = c.oid) as bounds
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)'
          and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')
        order by 1
        """
    )
    tables = [
        Table(
            row["name"],
            await _columns(connection, row["name"]),
            await _primary_key(connection, row["name"]),
            await _foreign_keys(connection, row["name"]),
            row["parents"][0] if row["parents"] else None,
            tuple(bound.split("'")[1] for bound in row["bounds"] or ()),
        )
        for row in rows
    ]
    return _parents_first(tables)


async def faults(connection: asyncpg.Connection[Any]) -> list[str]:
    """What the catalogue says against the separation of tenants; empty when all is well."""
    found = []
    rows = await connection.fetch(
        """
        select c.oid::regclass::text as name, c.relrowsecurity, c.relforcerowsecurity,
               exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id'
                       and a.attnotnull) as has_tenant
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema)'
          and c.relname <> 'alembic_version'
        """
    )
    for row in rows:
        if not row["has_tenant"]:
            found.append(f"{row['name']}: no tenant_id that is not null")
        if not row["relrowsecurity"]:
            found.append(f"{row['name']}: row-level security is not enabled")
        if not row["relforcerowsecurity"]:
            found.append(f"{row['name']}: row-level security is not forced")
    return found + await _policy_faults(connection) + await _key_faults(connection)


async def _policy_faults(connection: asyncpg.Connection[Any]) -> list[str]:
    found = []
    rows = await connection.fetch(
        """
        select c.oid::regclass::text as name, p.polname, p.polcmd::text as command, p.polpermissive,
               pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as checks,
               array(select case when r.role = 0 then 'public' else r.role::regrole::text end
                     from unnest(p.polroles) r(role)) as roles
        from pg_policy p join pg_class c on c.oid = p.polrelid
        """
    )
    guarded = set()
    for row in rows:
        if row["roles"] == ["parley_dispatch"] and row["command"] == "r":
            continue
        if (row["using"], row["checks"], row["command"]) == (POLICY, POLICY, "*"):
            guarded.add(row["name"])
        else:
            found.append(f"{row['name']}: policy {row['polname']} lets more through than its own tenant")
    found += [
        f"{table.name}: no policy with USING and WITH CHECK on the tenant"
        for table in await tenant_tables(connection)
        if table.name not in guarded
    ]
    return found


async def _key_faults(connection: asyncpg.Connection[Any]) -> list[str]:
    unique = await connection.fetch(
        """
        select i.indrelid::regclass::text as name, i.indexrelid::regclass::text as index, i.indisprimary,
               (select a.attname from pg_attribute a
                where a.attrelid = i.indrelid and a.attnum = i.indkey[0]) as first_column
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        join pg_namespace n on n.oid = c.relnamespace
        where i.indisunique and n.nspname !~ '^(pg_|information_schema)' and c.relname <> 'alembic_version'
        """
    )
    keyed = {row["name"] for row in unique if row["indisprimary"]}
    found = [
        f"{row['name']}: unique key {row['index']} does not begin with the tenant"
        for row in unique
        if row["first_column"] != "tenant_id" and f"{row['name']}.{row['index']}" not in GLOBAL_KEYS
    ]
    tables = await tenant_tables(connection)
    found += [f"{table.name}: no primary key" for table in tables if table.name not in keyed]
    found += [
        f"{table.name}: foreign key {key.name} does not begin with the tenant"
        for table in tables
        for key in table.foreign_keys
        if (key.columns[0], key.parent_columns[0]) != ("tenant_id", "tenant_id")
    ]
    return found


async def _columns(connection: asyncpg.Connection[Any], table: str) -> tuple[Column, ...]:
    rows = await connection.fetch(
        """
        select attname, format_type(atttypid, atttypmod) as type,
               attnotnull and (not atthasdef or exists (
                   select from pg_index where indrelid = attrelid and indisprimary and attnum = any (indkey)))
                   as required
        from pg_attribute
        where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''
        order by attnum
        """,
        table,
    )
    return tuple(Column(row["attname"], row["type"], row["required"]) for row in rows)


async def _primary_key(connection: asyncpg.Connection[Any], table: str) -> tuple[str, ...]:
    rows = await connection.fetch(
        """
        select a.attname
        from pg_index i
        cross join unnest(i.indkey::smallint[]) with ordinality k(number, place)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
        where i.indrelid = $1::text::regclass and i.indisprimary
        order by k.place
        """,
        table,
    )
    return tuple(row["attname"] for row in rows)


async def _foreign_keys(connection: asyncpg.Connection[Any], table: str) -> tuple[ForeignKey, ...]:
    rows = await connection.fetch(
        """
        select f.conname, f.confrelid::regclass::text as parent,
               array(select a.attname::text from unnest(f.conkey) with ordinality k(number, place)
                     join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number
                     order by k.place) as columns,
               array(select a.attname::text from unnest(f.confkey) with ordinality k(number, place)
                     join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number
                     order by k.place) as parent_columns
        from pg_constraint f
        where f.contype = 'f' and f.conrelid = $1::text::regclass
        order by f.conname
        """,
        table,
    )
    return tuple(
        ForeignKey(row["conname"], tuple(row["columns"]), row["parent"], tuple(row["parent_columns"]))
        for row in rows
    )


def _parents_first(tables: list[Table]) -> list[Table]:
    ordered: list[Table] = []
    waiting = list(tables)
    while waiting:
        placed = {table.name for table in ordered}
        ready = [
            table
            for table in waiting
            if all(key.parent in placed or key.parent == table.name for key in table.foreign_keys)
        ]
        # Tables that refer to each other in a circle come in any order; their optional references stay empty.
        ordered += ready or waiting
        waiting = [table for table in waiting if table not in ordered]
    return ordered
