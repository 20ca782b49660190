create schema analytics;

do $$ begin
    if role_exists('parley_runtime') then
        grant usage on schema analytics to parley_runtime;
    end if;
end $$;

-- Outlives the session that it counts: retention deletes what was said, not the numbers.
create table analytics.conversation_metrics (
    tenant_id uuid not null references tenants (tenant_id),
    session_id uuid not null,
    user_id uuid,
    messages_user_count integer not null default 0 check (messages_user_count >= 0),
    messages_bot_count integer not null default 0 check (messages_bot_count >= 0),
    started_at timestamptz not null,
    ended_at timestamptz,
    first_response_ms integer check (first_response_ms >= 0),
    resolved boolean,
    last_state text,
    updated_at timestamptz not null,
    primary key (tenant_id, session_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete set null (user_id),
    check (ended_at >= started_at)
);
create index conversation_metrics_by_time on analytics.conversation_metrics (tenant_id, started_at);
create index conversation_metrics_of_user on analytics.conversation_metrics (tenant_id, user_id);
select protect('analytics.conversation_metrics');

-- Messages that a platform has to approve before they may be sent out of the blue.
create table templates (
    tenant_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    name text not null check (name <> ''),
    language text not null,
    body text not null,
    variables jsonb not null default '[]',
    external_id text,
    content_hash bytea not null check (octet_length(content_hash) = 32),
    status text not null default 'draft' check (status in ('draft', 'pending', 'approved', 'rejected', 'paused')),
    reason text,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (tenant_id, id),
    unique (tenant_id, channel_id, name, language),
    foreign key (tenant_id, channel_id) references channels (tenant_id, id) on delete cascade,
    check (status in ('draft', 'rejected') or external_id is not null)
);
create index templates_by_content on templates (tenant_id, channel_id, content_hash);
select protect('templates');

-- Keyed by enterprise and team; an installation for a whole organisation has no team. A revoked one has no token.
create table slack_installations (
    tenant_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    app_id text not null,
    enterprise_id text,
    team_id text,
    bot_user_id text,
    scopes text[] not null default '{}',
    credentials bytea,
    token_expires_at timestamptz,
    installed_by text,
    installed_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique nulls not distinct (tenant_id, app_id, enterprise_id, team_id),
    foreign key (tenant_id, channel_id) references channels (tenant_id, id) on delete cascade,
    check (enterprise_id is not null or team_id is not null),
    check ((credentials is null) = (revoked_at is not null))
);
create index slack_installations_of_channel on slack_installations (tenant_id, channel_id);
create index slack_installations_expiry on slack_installations (tenant_id, token_expires_at)
where revoked_at is null;
select protect('slack_installations');

-- Bearers of the operators' API. The token itself is kept nowhere, only its digest.
create table operators (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    name text not null check (name <> ''),
    role text not null check (role in ('viewer', 'agent', 'admin')),
    token_digest bytea not null check (octet_length(token_digest) = 32),
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, name),
    unique (tenant_id, token_digest)
);
select protect('operators', 'select, insert, update');

-- Who exported, erased, changed or read what. Append-only, and nothing private in `detail`.
create table audit_log (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    actor_kind text not null check (actor_kind in ('operator', 'command', 'system', 'user')),
    actor_id text,
    action text not null check (action <> ''),
    object_kind text,
    object_id text,
    session_id uuid,
    detail jsonb not null default '{}',
    created_at timestamptz not null,
    primary key (tenant_id, id)
);
create index audit_log_by_time on audit_log (tenant_id, created_at);
create index audit_log_of_session on audit_log (tenant_id, session_id, created_at) where session_id is not null;
create index audit_log_of_object on audit_log (tenant_id, object_kind, object_id, created_at);
create index audit_log_by_action on audit_log (tenant_id, action, created_at);
select protect('audit_log', 'select, insert');
