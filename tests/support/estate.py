"""Two tenants with one row each in every table, and the roles that may or may not reach them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
from catalogue import Table, tenant_tables
from plant import Planted, bare, plant


@dataclass(frozen=True, slots=True)
class Estate:
    """`owner` may do everything; `runtime` and `dispatch` are the roles under test, acting for `ours`."""

    owner: asyncpg.Connection[Any]
    runtime: asyncpg.Connection[Any]
    dispatch: asyncpg.Connection[Any]
    tables: list[Table]
    ours: str
    theirs: str
    our_rows: Planted
    their_rows: Planted


@asynccontextmanager
async def planted_estate(owner_url: str, runtime_url: str, dispatch_url: str) -> AsyncIterator[Estate]:
    """Plant both tenants and connect all three roles."""
    owner = await asyncpg.connect(owner_url)
    runtime = await asyncpg.connect(runtime_url)
    dispatch = await asyncpg.connect(dispatch_url)
    try:
        await bare(owner)
        theirs, ours = str(uuid4()), str(uuid4())
        their_rows, our_rows = await plant(owner, theirs), await plant(owner, ours)
        await runtime.execute("select set_config('parley.tenant_id', $1, false)", ours)
        tables = await tenant_tables(owner)
        yield Estate(owner, runtime, dispatch, tables, ours, theirs, our_rows, their_rows)
    finally:
        for connection in (owner, runtime, dispatch):
            await connection.close()
