"""The rows of one turn, written by two statements: what the webhook and pgbench do and no more.

The statements are in `accept.sql` and `commit.sql`, with `:names` as pgbench reads them. Each is one transaction
and one round trip. They run as the owner, whom no row-level security holds up, on Parley's own tables with
Parley's own indexes and foreign keys.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import asyncpg

from storage.ids import uuid7

HERE = Path(__file__).parent
SESSIONS = 64
ANSWER = "How many cups?"
# What the flow of the benchmark leaves when it has asked, so that the state is as large.
STATE = (
    '{"format": 1, "frames": [{"flow": "order", "version": "1", "run": "01a1f8db0cc47c3d9bfbe027dd913f82", '
    '"rows": [], "ordinal": 0, "pending": ["cups#0", "ask", "int"], "heard": "cups#0", "opening": "order", '
    '"sensitive": false}]}'
)
_NAME = re.compile(r"(?<!:):([a-z]+)")


class Statement:
    """One of the statements as asyncpg takes it, with the order of its parameters."""

    def __init__(self, name: str) -> None:
        text = (HERE / f"{name}.sql").read_text()
        self.parameters = list(dict.fromkeys(_NAME.findall(text)))
        self.text = _NAME.sub(lambda found: f"${self.parameters.index(found[1]) + 1}", text)

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        return [given[name] for name in self.parameters]


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    def get_reset_query(self) -> str:
        """As in Parley: nothing to reset."""
        return ""


class BareRows:
    """Writes turns for the numbered sessions of one tenant."""

    def __init__(self, pool: asyncpg.Pool[Any], tenant_id: str) -> None:
        self._pool = pool
        self._tenant_id = tenant_id
        self._accept = Statement("accept")
        self._commit = Statement("commit")

    async def turn(self, number: int, key: str, content: str) -> str:
        """One turn in two transactions; returns the answer."""
        given = {"tenant": self._tenant_id, "number": str(number), "key": key, "content": content}
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(self._accept.text, *self._accept.arguments(given))
        assert row is not None
        done = given | dict(row) | {"data": STATE, "answer": ANSWER}
        async with self._pool.acquire() as connection:
            await connection.execute(self._commit.text, *self._commit.arguments(done))
        return ANSWER


async def open_pool(url: str) -> asyncpg.Pool[Any]:
    """As many connections as Parley's own pool has."""
    return await asyncpg.create_pool(url, min_size=1, max_size=10, connection_class=_Connection)


async def seed(owner_url: str) -> str:
    """A tenant with a channel, and the numbered sessions; returns the tenant's id."""
    tenant_id, channel_id = uuid7(), uuid7()
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(
            "insert into tenants (tenant_id, slug, name) values ($1, 'bare', 'bare')", tenant_id
        )
        await connection.execute(
            "insert into channels (tenant_id, id, platform, external_account_id) values ($1, $2, 'web', 'bare')",
            tenant_id,
            channel_id,
        )
        await connection.execute(
            """
            with numbers as (
                select n, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id
                from generate_series(0, $3::int - 1) n
            ), people as (
                insert into users (tenant_id, id, platform, external_id, created_at)
                select $1, id, 'web', 'visitor:' || n, now() from numbers
            )
            insert into sessions (tenant_id, id, user_id, channel_id, platform, started_at, last_active_at, closes_at)
            select $1, id, id, $2, 'web', now(), now(), now() + interval '30 min' from numbers
            """,
            tenant_id,
            channel_id,
            SESSIONS,
        )
    finally:
        await connection.close()
    return str(tenant_id)
