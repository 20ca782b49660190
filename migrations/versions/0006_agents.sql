-- Inserted before the call, settled after: a row without `settled_at` is a call whose end was lost.
create table llm_calls (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    session_id uuid,
    message_id uuid,
    purpose text not null default 'generate',
    provider text not null check (provider in ('anthropic', 'openai', 'local', 'extractive')),
    model text not null,
    prompt_tokens integer check (prompt_tokens >= 0),
    completion_tokens integer check (completion_tokens >= 0),
    cost_usd numeric(14, 6) check (cost_usd >= 0),
    latency_ms integer check (latency_ms >= 0),
    request_payload jsonb,
    response_payload jsonb,
    error text,
    created_at timestamptz not null,
    settled_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    foreign key (tenant_id, message_id) references messages (tenant_id, id) on delete cascade
);
create index llm_calls_of_session on llm_calls (tenant_id, session_id, created_at);
create index llm_calls_of_message on llm_calls (tenant_id, message_id);
create index llm_calls_by_time on llm_calls (tenant_id, created_at);
create index llm_calls_unsettled on llm_calls (tenant_id, created_at) where settled_at is null;
select protect('llm_calls');

-- What was spent in a period by a scope ('tenant', 'user:<id>', 'session:<id>'). Reserving is one update that
-- names the cap in its condition.
create table spend_windows (
    tenant_id uuid not null references tenants (tenant_id),
    scope text not null check (scope <> ''),
    period text not null check (period <> ''),
    reserved numeric(14, 6) not null default 0 check (reserved >= 0),
    settled numeric(14, 6) not null default 0 check (settled >= 0),
    primary key (tenant_id, scope, period)
);
select protect('spend_windows');

-- One that expires settles at `amount`, its worst case.
create table spend_reservations (
    tenant_id uuid not null,
    id uuid not null,
    scope text not null,
    period text not null,
    llm_call_id uuid,
    amount numeric(14, 6) not null check (amount >= 0),
    settled_amount numeric(14, 6) check (settled_amount >= 0),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    settled_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, scope, period) references spend_windows (tenant_id, scope, period) on delete cascade,
    foreign key (tenant_id, llm_call_id) references llm_calls (tenant_id, id) on delete set null (llm_call_id),
    check (expires_at > created_at),
    check ((settled_at is null) = (settled_amount is null))
);
create index spend_reservations_expiry on spend_reservations (tenant_id, expires_at) where settled_at is null;
create index spend_reservations_of_call on spend_reservations (tenant_id, llm_call_id);
create index spend_reservations_of_window on spend_reservations (tenant_id, scope, period);
select protect('spend_reservations');

-- The audit outlives the conversation: when a session goes, its agent sessions stay, without it.
create table agent_sessions (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    session_id uuid,
    user_id uuid,
    question text not null default '',
    sealed bytea,
    user_ip inet,
    started_at timestamptz not null,
    ended_at timestamptz,
    total_steps integer not null default 0 check (total_steps >= 0),
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete set null (session_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete set null (user_id),
    check (sealed is null or question = '')
);
create index agent_sessions_of_session on agent_sessions (tenant_id, session_id, started_at);
create index agent_sessions_of_user on agent_sessions (tenant_id, user_id);
create index agent_sessions_by_time on agent_sessions (tenant_id, started_at);
select protect('agent_sessions', 'select, insert, update');

create table agent_steps (
    tenant_id uuid not null,
    id uuid not null,
    agent_session_id uuid not null,
    step_number integer not null check (step_number > 0),
    kind text not null check (kind <> ''),
    proposal jsonb,
    sealed bytea,
    status text not null check (status in ('proposed', 'approved', 'rejected', 'executed', 'error')),
    execution_time_ms integer check (execution_time_ms >= 0),
    row_count integer check (row_count >= 0),
    columns jsonb,
    error_message text,
    decided_by text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, agent_session_id, step_number),
    foreign key (tenant_id, agent_session_id) references agent_sessions (tenant_id, id),
    check (sealed is null or proposal is null),
    check ((status = 'error') = (error_message is not null))
);
create index agent_steps_by_time on agent_steps (tenant_id, created_at);
create index agent_steps_by_status on agent_steps (tenant_id, status, created_at);
select protect('agent_steps', 'select, insert, update');

-- Append-only. `digest` is the salted digest of the payload, `hash` covers this row and `previous_hash`. Each
-- hash is followed by one event at most and follows one that is there, so a chain has neither gap nor fork.
create table agent_step_events (
    tenant_id uuid not null,
    id uuid not null,
    agent_session_id uuid not null,
    position integer not null check (position > 0),
    step_number integer check (step_number > 0),
    kind text not null check (kind <> ''),
    actor text not null,
    digest bytea not null check (octet_length(digest) = 32),
    previous_hash bytea,
    hash bytea not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, agent_session_id, position),
    unique (tenant_id, agent_session_id, hash),
    unique (tenant_id, agent_session_id, previous_hash),
    foreign key (tenant_id, agent_session_id) references agent_sessions (tenant_id, id),
    foreign key (tenant_id, agent_session_id, previous_hash)
        references agent_step_events (tenant_id, agent_session_id, hash),
    check ((position = 1) = (previous_hash is null))
);
create index agent_step_events_by_time on agent_step_events (tenant_id, created_at);
select protect('agent_step_events', 'select, insert');

-- Payload and salt, sealed and apart, so that they can be erased while the chain still verifies.
create table agent_step_payloads (
    tenant_id uuid not null,
    event_id uuid not null,
    user_id uuid,
    sealed_salt bytea not null,
    sealed_payload bytea not null,
    primary key (tenant_id, event_id),
    foreign key (tenant_id, event_id) references agent_step_events (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade
);
create index agent_step_payloads_of_user on agent_step_payloads (tenant_id, user_id);
select protect('agent_step_payloads', 'select, insert, delete');

-- Bound to the hash of exactly what was shown, to user and session; one use; an end. Whoever changes a row is in
-- migration 0010. `action` names what would be done, `by_asker` and `by_operators` (null: any) who may decide.
-- `used_by` is the idempotency key of the one call that it is for. What expired may have been decided before.
create table approvals (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    user_id uuid not null,
    agent_step_id uuid,
    flow text not null default '',
    action text not null default '',
    shown text not null default '',
    sealed bytea,
    shown_hash bytea not null check (octet_length(shown_hash) = 32),
    status text not null default 'pending'
        check (status in ('pending', 'approved', 'rejected', 'expired', 'used')),
    by_asker boolean not null default true,
    by_operators text[] default '{}',
    decided_by text,
    reason text,
    sealed_reason bytea,
    used_by text,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    decided_at timestamptz,
    used_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, agent_step_id) references agent_steps (tenant_id, id),
    check (expires_at > created_at),
    check (sealed is null or shown = ''),
    check (sealed_reason is null or reason is null),
    check ((decided_at is null) = (decided_by is null)),
    check (status <> 'pending' or decided_at is null),
    check (status not in ('approved', 'rejected', 'used') or decided_at is not null),
    check ((status = 'used') = (used_at is not null and used_by is not null))
);
create index approvals_by_time on approvals (tenant_id, created_at);
create index approvals_pending on approvals (tenant_id, expires_at) where status = 'pending';
create index approvals_of_session on approvals (tenant_id, session_id, created_at);
create index approvals_of_user on approvals (tenant_id, user_id);
create index approvals_of_step on approvals (tenant_id, agent_step_id);
select protect('approvals', 'select, insert, update');
