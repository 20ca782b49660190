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

-- One for each Slack channel; an installation for a whole organisation has no team. A revoked one has no token.
create table slack_installations (
    tenant_id uuid not null,
    id uuid not null,
    channel_id uuid not null,
    app_id text not null,
    enterprise_id text,
    team_id text,
    team_name text,
    bot_user_id text,
    bot_id text,
    scopes text[] not null default '{}',
    credentials bytea,
    -- Counts the tokens that there were: who refreshed an older one must not write what came of it.
    token_version integer not null default 1 check (token_version > 0),
    token_expires_at timestamptz,
    -- When to refresh the token next. One that ends and has no time here can only be installed anew.
    refresh_at timestamptz,
    refresh_failures integer not null default 0 check (refresh_failures >= 0),
    refresh_error text,
    installed_by text,
    installed_at timestamptz not null,
    revoked_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, channel_id),
    foreign key (tenant_id, channel_id) references channels (tenant_id, id) on delete cascade,
    check (enterprise_id is not null or team_id is not null),
    check ((credentials is null) = (revoked_at is not null)),
    check (refresh_at is null or (token_expires_at is not null and revoked_at is null))
);
create index slack_installations_refresh on slack_installations (tenant_id, refresh_at) where refresh_at is not null;
select protect('slack_installations');

-- What a platform calls a delivery, or each part of one that became several messages there: how a reaction or a press
-- finds what it is about. Equality, since under row-level security an index is used for little else.
create table delivered_parts (
    tenant_id uuid not null,
    channel_id uuid not null,
    external_id text not null,
    delivery_id uuid not null,
    primary key (tenant_id, channel_id, external_id, delivery_id),
    foreign key (tenant_id, delivery_id) references outbox (tenant_id, id) on delete cascade
);
create index delivered_parts_of_delivery on delivered_parts (tenant_id, delivery_id);
select protect('delivered_parts');

create function name_delivered_parts() returns trigger language plpgsql as $$
begin
    insert into delivered_parts (tenant_id, channel_id, external_id, delivery_id)
    select new.tenant_id, new.channel_id, part.name, new.id
    from unnest(string_to_array(new.external_message_id, ',')) as part (name)
    where part.name <> ''
    on conflict do nothing;
    return null;
end $$;

create trigger outbox_named after update of external_message_id on outbox
for each row when (new.external_message_id is not null) execute function name_delivered_parts();

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

-- Whose token it is that has this digest, if it is good now; one round trip for each call of the API.
create function verify_operator(p_tenant uuid, p_digest bytea, p_now timestamptz)
returns setof operators language plpgsql as $$
declare
    v_operator operators;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_operator from operators
    where tenant_id = p_tenant and token_digest = p_digest and revoked_at is null
      and (expires_at is null or expires_at > p_now);
    if not found then
        return;
    end if;
    -- Once a minute, so that a client that asks often does not write each time.
    if v_operator.last_used_at is null or v_operator.last_used_at <= p_now - interval '1 minute' then
        update operators set last_used_at = p_now where tenant_id = p_tenant and id = v_operator.id;
    end if;
    return next v_operator;
end $$;

-- Closed sessions, as operators page through them; an entry is made once, when the session ends.
create index sessions_closed on sessions (tenant_id, ended_at, id) where status = 'closed';
-- Deliveries that a person should know of.
create index outbox_trouble on outbox (tenant_id, session_id) where status = 'failed' or possible_duplicate;

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
