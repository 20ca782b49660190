"""Plants one row of a tenant in every table, with values made up from the columns' types."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import asyncpg
from catalogue import Table, tenant_tables

Row = dict[str, str]
Planted = dict[str, Row]


async def bare(connection: asyncpg.Connection[Any]) -> None:
    """Drop checks, indexes that are no keys, and triggers that write other tables' rows.

    Made-up values need not satisfy them, and every row is to be a planted one.
    """
    for row in await connection.fetch(
        """
        select conrelid::regclass::text as name, conname from pg_constraint
        where contype = 'c' and coninhcount = 0 and conrelid <> 0
          and connamespace::regnamespace::text !~ '^(pg_|information_schema)'
        """
    ):
        await connection.execute(f'alter table {row["name"]} drop constraint "{row["conname"]}"')
    for row in await connection.fetch(
        """
        select i.indexrelid::regclass::text as name
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
        where not i.indisunique and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
        """
    ):
        await connection.execute(f"drop index {row['name']}")
    for row in await connection.fetch(
        """
        select tgrelid::regclass::text as name, tgname from pg_trigger
        where not tgisinternal and (tgnewtable is not null or tgoldtable is not null)
        """
    ):
        await connection.execute(f'drop trigger "{row["tgname"]}" on {row["name"]}')


async def plant(connection: asyncpg.Connection[Any], tenant_id: str) -> Planted:
    """One row in every table; `connection` may write them all."""
    planted: Planted = {}
    for table in await tenant_tables(connection):
        if table.partition_of is None:
            row = made_up(table, tenant_id, planted)
            await insert(connection, table, row)
            planted[table.name] = row
    for table in await tenant_tables(connection):
        if table.partition_of is not None:
            planted[table.name] = planted[table.partition_of]
    return planted


def made_up(table: Table, tenant_id: str, parents: Mapping[str, Row]) -> Row:
    """A row that refers to `parents` wherever the table can refer to them."""
    row = {column.name: _value(column.type) for column in table.columns if column.required}
    for key in table.foreign_keys:
        parent = parents.get(key.parent)
        if parent is not None:
            row |= {
                column: parent[theirs]
                for column, theirs in zip(key.columns, key.parent_columns, strict=True)
                if theirs in parent
            }
    row["tenant_id"] = tenant_id
    if table.partitions:
        row["model"] = table.partitions[0]
    return row


async def insert(connection: asyncpg.Connection[Any], table: Table, row: Row, *, conflict: str = "") -> str:
    """Insert `row`, each value through the column's type; returns Postgres' status."""
    types = {column.name: column.type for column in table.columns}
    names = ", ".join(row)
    values = ", ".join(f"${n}::text::{types[name]}" for n, name in enumerate(row, 1))
    status: str = await connection.execute(
        f"insert into {table.name} ({names}) values ({values}) {conflict}", *row.values()
    )
    return status


async def stored(connection: asyncpg.Connection[Any], table: Table, row: Row) -> str | None:
    """The whole row as it is stored now, as text."""
    content: str | None = await connection.fetchval(
        f"select t::text from {table.name} t where {where(table)}", *key_of(table, row)
    )
    return content


def where(table: Table) -> str:
    """The condition that finds a row by its primary key."""
    return " and ".join(f"{name}::text = ${n}" for n, name in enumerate(table.primary_key, 1))


def key_of(table: Table, row: Row) -> list[str]:
    """The values for `where`."""
    return [row[name] for name in table.primary_key]


def _value(type_name: str) -> str:
    kind, _, size = type_name.partition("(")
    match kind:
        case "uuid":
            return str(uuid4())
        case "text" | "character varying":
            return f"made-up-{uuid4().hex[:12]}"
        case "integer" | "bigint" | "smallint" | "numeric":
            return str(int.from_bytes(os.urandom(2), "big") // 2)
        case "bytea":
            return "\\x" + os.urandom(32).hex()
        case "jsonb" | "json":
            return "{}"
        case "timestamp with time zone":
            return "2026-01-01 00:00:00+00"
        case "boolean":
            return "false"
        case "inet":
            return "127.0.0.1"
        case "interval":
            return "1 minute"
        case "halfvec" | "vector":
            return f"[{','.join(['0'] * int(size.rstrip(')') or 4))}]"
        case "sparsevec":
            return f"{{}}/{size.rstrip(')')}"
        case _ if kind.endswith("[]"):
            return "{}"
    raise AssertionError(f"tests/support/plant.py needs a made-up value for columns of type {type_name}")
