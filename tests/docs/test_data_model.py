"""The page on the data model names the tables that there are."""

from __future__ import annotations

import re

import asyncpg
from catalogue import tenant_tables
from databases import DatabaseUrls
from guides import ROOT

_ROW = re.compile(r"^\| `([a-z_.]+)`(?: ○)? \| (?P<purpose>[^|]+) \|$", re.MULTILINE)


async def test_every_table_is_on_the_page_once_and_no_other(template: DatabaseUrls) -> None:
    connection = await asyncpg.connect(template.owner_url)
    try:
        tables = await tenant_tables(connection)
    finally:
        await connection.close()
    text = (ROOT / "docs/data-model.md").read_text(encoding="utf-8").partition("## Roles")[0]
    named = sorted(_ROW.findall(text))
    assert [name for name, _ in named] == sorted(table.name for table in tables if table.partition_of is None)


async def test_the_roles_on_the_page_are_those_that_log_in(template: DatabaseUrls) -> None:
    connection = await asyncpg.connect(template.owner_url)
    try:
        roles = await connection.fetch("select rolname from pg_roles where rolname like 'parley%'")
    finally:
        await connection.close()
    text = (ROOT / "docs/data-model.md").read_text(encoding="utf-8")
    assert {row["rolname"] for row in roles} == set(re.findall(r"^\| `(parley_\w+)`", text, re.MULTILINE))
