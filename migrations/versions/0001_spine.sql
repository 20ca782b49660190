-- The tenant of the transaction. Unset or '' (what set_config leaves behind after a transaction) is no tenant,
-- and no tenant sees no rows.
create function current_tenant() returns uuid language sql stable parallel safe
return nullif(current_setting('parley.tenant_id', true), '')::uuid;

grant select on alembic_version to public;

-- Whether the role is there for us: in a cluster that another Parley shares, a database of a single role must
-- not be laid out for the other one's roles. `storage.versions` makes the setting.
create function role_exists(p_role text) returns boolean language sql stable
return coalesce(current_setting('parley.single_role', true), '') <> 'on'
       and exists (select from pg_catalog.pg_roles where rolname = p_role);

-- Row-level security and the runtime's grants for a table with tenant data.
create function protect(p_table regclass, p_grants text default 'select, insert, update, delete')
returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', p_table);
    execute format('alter table %s force row level security', p_table);
    execute format(
        'create policy tenant on %s using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())',
        p_table);
    if role_exists('parley_runtime') then
        execute format('grant %s on %s to parley_runtime', p_grants, p_table);
    end if;
end $$;

-- The dispatcher looks across tenants, at the named columns only. On a host that gives a single role,
-- the setting that only the dispatch pool makes stands in for the role.
create function let_dispatch_see(p_table regclass, p_columns text)
returns void language plpgsql as $$
begin
    if role_exists('parley_dispatch') then
        execute format('create policy dispatch on %s for select to parley_dispatch using (true)', p_table);
        execute format('grant select (%s) on %s to parley_dispatch', p_columns, p_table);
    else
        execute format(
            'create policy dispatch on %s for select using (current_setting(''parley.dispatch'', true) = ''on'')',
            p_table);
    end if;
end $$;

do $$ begin
    if role_exists('parley_runtime') then
        grant usage on schema public to parley_runtime;
    end if;
    if role_exists('parley_dispatch') then
        grant usage on schema public to parley_dispatch;
    end if;
end $$;

create table tenants (
    tenant_id uuid primary key,
    slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name text not null,
    settings jsonb not null default '{}',
    created_at timestamptz not null default now()
);
select protect('tenants');
select let_dispatch_see('tenants', 'tenant_id, slug, name, created_at');

create table channels (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    platform text not null,
    external_account_id text not null,
    credentials bytea,
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    disabled_at timestamptz,
    primary key (tenant_id, id)
);
-- Not tenant-first, on purpose: an account of a platform belongs to one tenant, or its events would have two.
create unique index channels_account on channels (platform, external_account_id);
select protect('channels');
select let_dispatch_see('channels', 'tenant_id, id, platform, external_account_id');

-- While a table has no statistics, the planner takes `tenant_id = …` alone to be as telling as a whole key, and of
-- two such indexes it prefers the lower, then the newer. Its plans are kept: a turn would read all of a tenant's
-- rows until the first ANALYZE. So on the tables of a turn no other index than the primary key serves look-ups
-- by `tenant_id` and `id` (it begins with another column or is partial), or the primary key is made last.

create table users (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    platform text not null,
    external_id text not null,
    locale text,
    profile jsonb not null default '{}',
    created_at timestamptz not null,
    deleted_at timestamptz,
    unique (tenant_id, platform, external_id)
);
alter table users add primary key (tenant_id, id);
select protect('users');

create table user_channels (
    tenant_id uuid not null,
    user_id uuid not null,
    channel_id uuid not null,
    last_inbound_at timestamptz,
    opted_out_at timestamptz,
    primary key (tenant_id, user_id, channel_id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
select protect('user_channels');

-- Counters and lease are taken under the row's lock. No index holds a column that every turn changes,
-- so that those updates stay heap-only.
create table sessions (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    channel_id uuid not null,
    platform text not null,
    thread_key text not null default '',
    status text not null default 'active' check (status in ('active', 'handoff', 'closed')),
    started_at timestamptz not null,
    last_active_at timestamptz not null,
    closes_at timestamptz not null,
    -- How long silence may last while no flow is parked: the channel's, as of the session's start.
    idle interval not null default '30 minutes',
    ended_at timestamptz,
    end_reason text check (end_reason in ('idle', 'abandoned', 'ended', 'erased')),
    parked boolean not null default false,
    -- Whether it may have timers, so that the commit of a session without any looks for none.
    timed boolean not null default false,
    seals_input boolean not null default false,
    -- What the last flow that said so made of the person's matter; null where none did.
    resolved boolean,
    -- Of a session in the hands of a person (status 'handoff'): the operator's name once one took it, since when, why.
    owner text,
    handed_over_at timestamptz,
    handoff_reason text,
    last_seq bigint not null default 0,
    last_change bigint not null default 0,
    last_position bigint not null default 0,
    done_position bigint not null default 0 check (done_position <= last_position),
    cancel_seq bigint not null default 0,
    lease_token bigint not null default 0,
    metadata jsonb not null default '{}',
    primary key (tenant_id, id),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    foreign key (tenant_id, channel_id) references channels (tenant_id, id),
    check ((status = 'closed') = (ended_at is not null)),
    check (status <> 'active' or (owner is null and handed_over_at is null)),
    check (status <> 'handoff' or handed_over_at is not null)
) with (fillfactor = 70);
create unique index sessions_open on sessions (tenant_id, channel_id, thread_key, user_id) where status <> 'closed';
create index sessions_of_user on sessions (user_id, started_at);
select protect('sessions');

-- `seq` orders what was said; `change` numbers every visible change of the session, `created_change` is the
-- one the message appeared with. A placeholder of a reply has none of the three yet.
create table messages (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    seq bigint,
    change bigint,
    created_change bigint,
    sender_type text not null check (sender_type in ('user', 'bot', 'agent', 'system')),
    sender_id text,
    external_message_id text,
    in_reply_to uuid,
    content text not null,
    content_type text not null default 'text' check (content_type in ('text', 'json', 'rich')),
    sealed bytea,
    status text not null default 'completed' check (status in ('pending', 'completed', 'failed')),
    reason text check (reason in ('none', 'joined', 'handoff')),
    created_at timestamptz not null,
    answered_at timestamptz,
    raw_payload jsonb,
    -- True where files came with it, else null: who reads messages looks for files only then.
    has_files boolean,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    check (sealed is null or content = '')
) with (fillfactor = 85);
create unique index messages_seq on messages (tenant_id, session_id, seq) where seq is not null;
create index messages_change on messages (session_id, change);
select protect('messages');

create table conversation_state (
    tenant_id uuid not null,
    session_id uuid not null,
    flow text,
    flow_version text,
    state_name text,
    data jsonb not null default '{}',
    sealed bytea,
    checkpoint_entry uuid,
    checkpoint jsonb,
    checkpoint_sealed bytea,
    version integer not null default 0,
    updated_at timestamptz not null,
    primary key (tenant_id, session_id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
) with (fillfactor = 70);
select protect('conversation_state');

-- What could not be read any more, kept for a person to look at.
create table damaged_states (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    session_id uuid not null,
    reason text not null,
    state jsonb not null,
    sealed bytea,
    found_at timestamptz not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
);
create index damaged_states_of_session on damaged_states (tenant_id, session_id);
select protect('damaged_states');

-- The lane of a session: entries in order of `position`. Done entries are deleted (sessions.done_position
-- remembers them); dead ones stay.
create table inbox (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    position bigint not null,
    kind text not null check (kind in ('message', 'action', 'timer', 'event', 'decision', 'operator')),
    status text not null default 'queued' check (status in ('queued', 'dead')),
    message_id uuid,
    reply_id uuid,
    payload jsonb,
    -- An event's payload while its session takes sealed input only; a message's is sealed with the message.
    sealed bytea,
    due_at timestamptz not null default now(),
    lease_until timestamptz,
    attempts integer not null default 0,
    error text,
    accepted_at timestamptz not null,
    unique (tenant_id, session_id, position),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    foreign key (tenant_id, message_id) references messages (tenant_id, id),
    check (status = 'queued' or error is not null)
) with (fillfactor = 70);
create index inbox_due on inbox (due_at) where status = 'queued';
alter table inbox add primary key (tenant_id, id);
select protect('inbox');
select let_dispatch_see('inbox', 'tenant_id, session_id, position, status, due_at, lease_until');

create table inbound_keys (
    tenant_id uuid not null,
    channel_id uuid not null,
    key text not null,
    session_id uuid not null,
    message_id uuid not null,
    reply_id uuid,
    accepted_at timestamptz not null,
    primary key (tenant_id, channel_id, key),
    foreign key (tenant_id, channel_id) references channels (tenant_id, id)
);
create index inbound_keys_age on inbound_keys (accepted_at);
select protect('inbound_keys');

-- One lane a session, in order of `position`; the first row that is not final holds the lane.
create table outbox (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    channel_id uuid not null,
    message_id uuid,
    position bigint not null,
    address text not null,
    sealed bytea,
    -- `open`: the reply is shown while it is written, and nobody delivers it yet (0012).
    status text not null default 'queued' check (status in ('open', 'queued', 'sent', 'failed', 'retracted')),
    external_message_id text,
    possible_duplicate boolean not null default false,
    attempts integer not null default 0,
    due_at timestamptz not null default now(),
    lease_token bigint not null default 0,
    lease_until timestamptz,
    error text,
    created_at timestamptz not null,
    settled_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    foreign key (tenant_id, channel_id) references channels (tenant_id, id),
    foreign key (tenant_id, message_id) references messages (tenant_id, id),
    check (message_id is not null or sealed is not null),
    check ((status in ('open', 'queued')) = (settled_at is null))
) with (fillfactor = 70);
create index outbox_lane on outbox (tenant_id, session_id, position) where status = 'queued';
create index outbox_due on outbox (due_at) where status = 'queued';
select protect('outbox');
select let_dispatch_see('outbox', 'tenant_id, session_id, position, status, due_at, lease_until');

-- Inserted before the platform is called, settled after: an attempt without an end is one whose answer was lost.
create table delivery_attempts (
    tenant_id uuid not null,
    delivery_id uuid not null,
    attempt integer not null,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    outcome text check (outcome in ('opened', 'sent', 'found', 'temporary', 'waited', 'partly', 'permanent')),
    error text,
    primary key (tenant_id, delivery_id, attempt),
    foreign key (tenant_id, delivery_id) references outbox (tenant_id, id) on delete cascade,
    check ((ended_at is null) = (outcome is null))
);
select protect('delivery_attempts');

-- What moves a session at a time. Written by the commit that parks, replaced by the one that moves on; fired once,
-- by the process's clock (`due_at` is in the conversation's time, unlike leases).
create table timers (
    tenant_id uuid not null,
    id uuid not null,
    session_id uuid not null,
    due_at timestamptz not null,
    lease_until timestamptz,
    payload jsonb not null default '{}',
    fired_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
);
create index timers_due on timers (due_at) where fired_at is null;
create index timers_of_session on timers (session_id);
select protect('timers');
select let_dispatch_see('timers', 'tenant_id, session_id, due_at, lease_until, fired_at');
