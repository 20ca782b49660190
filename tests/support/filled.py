"""A database with thousands of sessions, and one connection that counts how its rows were found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from turn_stores import Bench

from storage.database import prepare_connection

SESSIONS = 2_000
MESSAGES = 20

# $1 tenant, $2 channel, $3 now, $4 sessions; ids are digests, so that one row can name another.
_FILL = (
    """insert into users (tenant_id, id, platform, external_id, created_at)
    select $1, md5('u' || n)::uuid, 'web', 'u' || n, $3 from generate_series(1, $4) n""",
    """insert into sessions (tenant_id, id, user_id, channel_id, platform, started_at, last_active_at, closes_at,
                             idle, last_seq, last_change, last_position)
    select $1, md5('s' || n)::uuid, md5('u' || n)::uuid, $2, 'web', $3, $3, $3 + interval '1 hour',
           interval '1 hour', 20, 20, 1
    from generate_series(1, $4) n""",
    """insert into messages (tenant_id, id, session_id, seq, change, created_change, sender_type, content, created_at)
    select $1, md5('m' || n || '-' || k)::uuid, md5('s' || n)::uuid, k, k, k, 'user', 'hello', $3
    from generate_series(1, $4) n, generate_series(1, 20) k""",
    """insert into inbox (tenant_id, id, session_id, position, kind, message_id, accepted_at, due_at)
    select $1, md5('e' || n)::uuid, md5('s' || n)::uuid, 1, 'message', md5('m' || n || '-20')::uuid, $3,
           case when n % 500 = 0 then now() else now() + interval '1 day' end
    from generate_series(1, $4) n""",
    """insert into inbound_keys (tenant_id, channel_id, key, session_id, message_id, accepted_at)
    select $1, $2, 'k' || n || '-' || k, md5('s' || n)::uuid, md5('m' || n || '-' || k)::uuid, $3
    from generate_series(1, $4) n, generate_series(1, 20) k""",
    """insert into conversation_state (tenant_id, session_id, updated_at)
    select $1, md5('s' || n)::uuid, $3 from generate_series(1, $4) n""",
    """insert into outbox (tenant_id, id, session_id, channel_id, message_id, position, address, created_at, due_at)
    select $1, md5('m' || n || '-20')::uuid, md5('s' || n)::uuid, $2, md5('m' || n || '-20')::uuid, 20, 'a', $3,
           case when n % 500 = 0 then now() else now() + interval '1 day' end
    from generate_series(1, $4) n""",
    """insert into timers (tenant_id, id, session_id, due_at)
    select $1, md5('t' || n)::uuid, md5('s' || n)::uuid,
           $3 + case when n % 500 = 0 then interval '0' else interval '1 day' end
    from generate_series(1, $4) n""",
    """insert into delivery_attempts (tenant_id, delivery_id, attempt, ended_at, outcome)
    select $1, md5('m' || n || '-20')::uuid, k, now(), 'temporary'
    from generate_series(1, $4) n, generate_series(-3, -1) k""",
)


async def fill(bench: Bench) -> None:
    """Fill the bench's tenant with sessions that each have one entry and one delivery waiting."""
    values = {"$1": bench.channel.tenant_id, "$2": bench.channel.id, "$3": bench.clock(), "$4": SESSIONS}
    types = {"$1": "uuid", "$2": "uuid", "$3": "timestamptz", "$4": "int"}
    for statement in _FILL:
        used = [name for name in values if name in statement]
        for place, name in enumerate(used, start=1):
            statement = statement.replace(name, f"@{place}::{types[name]}")
        await bench.owner.execute(statement.replace("@", "$"), *(values[name] for name in used))
    await bench.owner.execute("analyze")


class Watched:
    """Stands where `storage.database.Database` stands, on one connection in one open transaction."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection

    async def call(self, statement: str, *arguments: Any) -> asyncpg.Record:
        row = await self._connection.fetchrow(statement, *arguments)
        assert row is not None
        return row

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncIterator[asyncpg.Connection[Any]]:
        await self._connection.execute("select set_config('parley.tenant_id', $1, true)", str(tenant_id))
        yield self._connection

    @asynccontextmanager
    async def dispatch(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        yield self._connection

    async def forget_plans(self) -> None:
        """Have every plan made anew."""
        await self._connection.execute("discard plans")

    async def read_whole(self) -> dict[str, int]:
        """Rows that this transaction read by going through a whole table, by table."""
        rows = await self._connection.fetch(
            "select relname, seq_tup_read from pg_stat_xact_user_tables where seq_tup_read > 0"
        )
        return {row["relname"]: row["seq_tup_read"] for row in rows}


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[Watched]:
    """A transaction of the role in `url`, rolled back at the end."""
    connection = await asyncpg.connect(url)
    try:
        await prepare_connection(connection)
        transaction = connection.transaction()
        await transaction.start()
        yield Watched(connection)
        await transaction.rollback()
    finally:
        await connection.close()
