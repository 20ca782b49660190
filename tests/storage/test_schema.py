"""The tables beside the way of a message: what they hold, what they refuse, and how they are found."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DIGEST = b"d" * 32

CONTRACT = {
    "tenants": "slug name settings",
    "channels": "platform external_account_id credentials settings",
    "users": "external_id platform created_at deleted_at locale profile",
    "user_channels": "last_inbound_at opted_out_at",
    "user_flags": "user_id name value",
    "user_keys": "user_id wrapped_key",
    "tenant_keys": "wrapped_key",
    "identity_links": "user_id linked_user_id",
    "sessions": "user_id channel_id platform thread_key status started_at last_active_at ended_at metadata",
    "messages": "session_id seq sender_type sender_id external_message_id content content_type status created_at "
    "answered_at raw_payload",
    "feedback": "message_id user_id value",
    "conversation_state": "session_id flow flow_version state_name data version updated_at",
    "attachments": "message_id file_url file_type size_bytes sha256 created_at",
    "attachment_texts": "attachment_id content",
    "documents": "source source_id title content content_hash metadata subject_user_id created_at",
    "document_chunks": "document_id position content tsv bm25",
    "document_embeddings": "chunk_id model embedding",
    "lexeme_counts": "lexeme chunks",
    "llm_calls": "session_id message_id provider model prompt_tokens completion_tokens cost_usd latency_ms "
    "request_payload response_payload error created_at",
    "spend_windows": "scope period reserved settled",
    "spend_reservations": "scope period amount expires_at",
    "agent_sessions": "session_id question user_ip started_at ended_at total_steps",
    "agent_steps": "agent_session_id step_number kind proposal status execution_time_ms row_count columns "
    "error_message decided_by created_at",
    "agent_step_events": "agent_session_id digest previous_hash hash created_at",
    "approvals": "session_id user_id shown_hash status expires_at",
    "analytics.conversation_metrics": "session_id user_id messages_user_count messages_bot_count started_at "
    "ended_at first_response_ms resolved last_state",
    "inbox": "session_id kind",
    "inbound_keys": "channel_id key",
    "outbox": "session_id channel_id",
    "delivery_attempts": "delivery_id attempt",
    "timers": "session_id due_at",
    "summaries": "session_id content",
    "templates": "channel_id name language external_id",
    "slack_installations": "enterprise_id team_id credentials",
    "operators": "name role",
    "audit_log": "actor_kind actor_id action created_at",
}


@pytest.fixture
async def owner(database):
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture
async def tenant(owner):
    tenant_id = uuid4()
    await owner.execute("insert into tenants (tenant_id, slug, name) values ($1, 'acme', 'Acme')", tenant_id)
    return tenant_id


@pytest.mark.parametrize("table", CONTRACT)
async def test_a_table_has_the_columns_of_the_contract(owner, table):
    rows = await owner.fetch(
        "select attname from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
        table,
    )
    columns = {row["attname"] for row in rows}
    assert {"tenant_id", *CONTRACT[table].split()} <= columns


async def test_every_time_has_its_zone(owner):
    without = await owner.fetch(
        """
        select attrelid::regclass::text, attname from pg_attribute join pg_class c on c.oid = attrelid
        where atttypid in ('timestamp'::regtype, 'date'::regtype, 'time'::regtype)
          and c.relnamespace::regnamespace::text in ('public', 'analytics')
        """
    )
    assert without == []


async def chunk(owner, tenant, content: str, language: str = "en", search_text: str | None = None):
    document, chunk_id = uuid4(), uuid4()
    await owner.execute(
        """
        insert into documents (tenant_id, id, source, source_id, content, content_hash, created_at, updated_at)
        values ($1, $2, 'kb', $2::uuid::text, $3, $4, $5, $5)
        """,
        tenant,
        document,
        content,
        DIGEST,
        NOW,
    )
    await owner.execute(
        """
        insert into document_chunks (tenant_id, id, document_id, position, content, language, search_text)
        values ($1, $2, $3, 0, $4, $5, $6)
        """,
        tenant,
        chunk_id,
        document,
        content,
        language,
        search_text,
    )
    return chunk_id


async def weight(owner, chunk_id, lexeme: str) -> float:
    """BM25's part of one lexeme in a chunk."""
    return -await owner.fetchval(
        """
        select bm25 <#> ('{' || lexeme_dimension($2) || ':1}/1048576')::sparsevec(1048576)
        from document_chunks where id = $1
        """,
        chunk_id,
        lexeme,
    )


async def test_a_chunks_vector_is_bm25s_half_of_the_score(owner, tenant):
    chunk_id = await chunk(owner, tenant, "Refunds: a refund takes three days")
    # Of refund (twice), take, three and day: 2 × 2.2 / (2 + 1.2 × (0.25 + 0.75 × 5 / 90)).
    assert await weight(owner, chunk_id, "refund") == pytest.approx(4.4 / (2 + 1.2 * (0.25 + 0.75 * 5 / 90)))
    assert await weight(owner, chunk_id, "day") == pytest.approx(2.2 / (1 + 1.2 * (0.25 + 0.75 * 5 / 90)))
    assert await weight(owner, chunk_id, "nothing") == 0


async def test_a_chunk_is_read_in_its_own_language(owner, tenant):
    german = await chunk(owner, tenant, "Die Rückerstattungen dauern", "de")
    assert await weight(owner, german, "ruckerstatt") > 0
    chinese = await chunk(owner, tenant, "退款需要", "zh", "退款 款需 需要")
    assert await weight(owner, chinese, "款需") > 0
    assert await owner.fetchval("select bm25::text from document_chunks where id = $1", await chunk(owner, tenant, "")) == "{}/1048576"


async def test_each_model_has_its_partition_and_its_size(owner, tenant):
    chunk_id = await chunk(owner, tenant, "a refund")
    add = "insert into document_embeddings (tenant_id, model, chunk_id, embedding) values ($1, $2, $3, $4::text::halfvec)"
    await owner.execute("select add_embedding_model('Tiny Model/2', 3)")
    await owner.execute(add, tenant, "Tiny Model/2", chunk_id, "[1,0,0]")
    await owner.execute(add, tenant, "all-MiniLM-L6-v2-int8", chunk_id, str([0.1] * 384).replace(" ", ""))
    with pytest.raises(asyncpg.CheckViolationError, match="size"):
        await owner.execute(add, uuid4(), "Tiny Model/2", chunk_id, "[1,0]")
    with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
        await owner.execute(add, tenant, "unknown", chunk_id, "[1,0]")
    plan = await owner.fetch("explain select from document_embeddings where model = 'Tiny Model/2'")
    assert "minilm" not in str(plan)
    await owner.execute("drop table document_embeddings_tiny_model_2")
    assert await owner.fetchval("select count(*) from document_embeddings") == 1


async def test_a_chain_of_events_has_neither_gap_nor_fork(owner, tenant):
    audit = uuid4()
    await owner.execute("insert into agent_sessions (tenant_id, id, started_at) values ($1, $2, $3)", tenant, audit, NOW)

    async def add(position: int, previous: bytes | None, own: bytes) -> None:
        await owner.execute(
            """
            insert into agent_step_events
                (tenant_id, id, agent_session_id, position, kind, actor, digest, previous_hash, hash, created_at)
            values ($1, gen_random_uuid(), $2, $3, 'proposed', 'agent', $4, $5, $6, $7)
            """,
            tenant,
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
    "audit_log by session": "audit_log_of_session: select id from audit_log where session_id = $1 order by created_at",
    "audit_log by time": "audit_log_by_time: select id from audit_log where created_at > $2 order by created_at limit 50",
    "audit_log by action": "audit_log_by_action: select id from audit_log where action = 'read 7' order by created_at",
    "steps by session": "agent_steps_tenant_id_agent_session_id_step_number_key: "
    "select id from agent_steps where agent_session_id = $1 order by step_number",
    "steps by time": "agent_steps_by_time: select id from agent_steps where created_at > $2 order by created_at limit 50",
    "steps by status": "agent_steps_by_status: select id from agent_steps where status = 'error' order by created_at limit 50",
}


@pytest.mark.parametrize("read", PLANS)
async def test_an_audit_read_uses_its_index_under_row_level_security(owner, tenant, database, read):
    await owner.execute(
        """
        insert into audit_log (tenant_id, id, actor_kind, action, session_id, created_at)
        select $1, gen_random_uuid(), 'system', 'read ' || n % 50, gen_random_uuid(), $2 - n * interval '1 minute'
        from generate_series(1, 5000) n
        """,
        tenant,
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
               case when n = 7 then 'x' end, $2 - n * interval '1 minute', $2
        from audits a cross join generate_series(1, 10) n
        """,
        tenant,
        NOW,
    )
    await owner.execute("analyze audit_log, agent_steps")
    index, _, statement = PLANS[read].partition(": ")
    statement = statement.replace("$1", f"'{uuid4()}'").replace("$2", "'2026-03-01'")
    runtime = await asyncpg.connect(database.runtime_url)
    try:
        await runtime.execute("select set_config('parley.tenant_id', $1, false)", str(tenant))
        plan = "\n".join(row[0] for row in await runtime.fetch(f"explain {statement}"))
    finally:
        await runtime.close()
    assert index in plan, plan
