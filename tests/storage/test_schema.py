"""The tables of the design, by name and column."""

from __future__ import annotations

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
    "messages": "session_id seq sender_type sender_id external_message_id content content_type status "
    "created_at answered_at raw_payload",
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
    "delivered_parts": "channel_id external_id delivery_id",
    "timers": "session_id due_at",
    "summaries": "session_id content",
    "templates": "channel_id name language external_id",
    "slack_installations": "enterprise_id team_id credentials",
    "operators": "name role",
    "audit_log": "actor_kind actor_id action created_at",
}


async def test_every_table_has_the_columns_of_the_contract(owner):
    rows = await owner.fetch(
        """
        select attrelid::regclass::text as name, array_agg(attname::text) as columns
        from pg_attribute where attnum > 0 and not attisdropped group by attrelid
        """
    )
    columns = {row["name"]: set(row["columns"]) for row in rows}
    for table, contract in CONTRACT.items():
        assert {"tenant_id", *contract.split()} - columns[table] == set(), table


async def test_every_time_has_its_zone(owner):
    without = await owner.fetch(
        """
        select attrelid::regclass::text, attname from pg_attribute join pg_class c on c.oid = attrelid
        where atttypid in ('timestamp'::regtype, 'date'::regtype, 'time'::regtype)
          and c.relnamespace::regnamespace::text in ('public', 'analytics')
        """
    )
    assert without == []
