"""The chain of an agent's events, and how the audit is read."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DIGEST = b"d" * 32


async def test_a_chain_of_events_has_neither_gap_nor_fork(owner, acme):
    audit = uuid4()
    await owner.execute(
        "insert into agent_sessions (tenant_id, id, started_at) values ($1, $2, $3)", acme, audit, NOW
    )

    async def add(position: int, previous: bytes | None, own: bytes) -> None:
        await owner.execute(
            """
            insert into agent_step_events
                (tenant_id, id, agent_session_id, position, kind, actor, digest, previous_hash, hash,
                 created_at)
            values ($1, gen_random_uuid(), $2, $3, 'proposed', 'agent', $4, $5, $6, $7)
            """,
            acme,
            audit,
            position,
            DIGEST,
            previous,
            own,
            NOW,
        )

    await add(1, None, b"1" * 32)
    await add(2, b"1" * 32, b"2" * 32)
    for position, previous, error in (
        (1, None, asyncpg.UniqueViolationError),
        (3, None, asyncpg.CheckViolationError),
        (3, b"1" * 32, asyncpg.UniqueViolationError),
        (3, b"x" * 32, asyncpg.ForeignKeyViolationError),
    ):
        with pytest.raises(error):
            await add(position, previous, b"3" * 32)
    await add(3, b"2" * 32, b"3" * 32)


PLANS = {
    "audit_log_of_session": "select id from audit_log where session_id = $1 order by created_at",
    "audit_log_by_time": "select id from audit_log where created_at > $2 order by created_at limit 50",
    "audit_log_by_action": "select id from audit_log where action = 'read 7' order by created_at",
    "agent_steps_tenant_id_agent_session_id_step_number_key": (
        "select id from agent_steps where agent_session_id = $1 order by step_number"
    ),
    "agent_steps_by_time": "select id from agent_steps where created_at > $2 order by created_at limit 50",
    "agent_steps_by_status": (
        "select id from agent_steps where status = 'error' order by created_at limit 50"
    ),
}


@pytest.mark.parametrize("index", PLANS)
async def test_an_audit_read_uses_its_index_under_row_level_security(owner, acme, database, index):
    await owner.execute(
        """
        insert into audit_log (tenant_id, id, actor_kind, action, session_id, created_at)
        select $1, gen_random_uuid(), 'system', 'read ' || n % 50, gen_random_uuid(),
               $2::timestamptz - n * interval '1 minute'
        from generate_series(1, 5000) n
        """,
        acme,
        NOW,
    )
    await owner.execute(
        """
        with audits as (
            insert into agent_sessions (tenant_id, id, started_at)
            select $1, gen_random_uuid(), $2 from generate_series(1, 500) returning id
        )
        insert into agent_steps (tenant_id, id, agent_session_id, step_number, kind, status, error_message,
                                 created_at, updated_at)
        select $1, gen_random_uuid(), a.id, n, 'sql', case when n = 7 then 'error' else 'executed' end,
               case when n = 7 then 'x' end, $2::timestamptz - n * interval '1 minute', $2::timestamptz
        from audits a cross join generate_series(1, 10) n
        """,
        acme,
        NOW,
    )
    await owner.execute("analyze audit_log, agent_steps")
    statement = PLANS[index].replace("$1", f"'{uuid4()}'").replace("$2", "'2026-03-01'")
    runtime = await asyncpg.connect(database.runtime_url)
    try:
        await runtime.execute("select set_config('parley.tenant_id', $1, false)", str(acme))
        plan = "\n".join(row[0] for row in await runtime.fetch(f"explain {statement}"))
    finally:
        await runtime.close()
    assert index in plan, plan
