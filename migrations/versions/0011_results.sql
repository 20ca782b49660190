-- What a session's verbs and entries came to that cannot be found out a second time: calls, models' answers, memos,
-- events. The state of a flow has it only while that flow is under way; this stays, for `replay` and `flows record`.
create table turn_results (
    tenant_id uuid not null,
    session_id uuid not null,
    -- The place in the lane of the entry that was answered, and the result's place in that turn.
    position bigint not null,
    ordinal integer not null,
    -- The message that was answered; null for time, events and operators. It may be gone before this is.
    message_id uuid,
    -- Empty for what no flow's verb came to.
    flow text not null,
    run text not null,
    path text not null,
    kind text not null,
    name text not null,
    -- Of the arguments; where the result is sealed it is sealed with it, for a short secret could be guessed from it.
    digest text not null default '',
    status text not null check (status in ('ok', 'failed')),
    value jsonb,
    sealed bytea,
    -- When the entry was accepted.
    created_at timestamptz not null,
    primary key (tenant_id, session_id, position, ordinal),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade,
    check (sealed is null or (value is null and digest = ''))
);
select protect('turn_results', 'select, insert, delete');

-- Puts a turn's results on record; a turn that is written again adds nothing. Called while its entry is still there.
create function add_results(p_tenant uuid, p_session uuid, p_entry uuid, p_results jsonb)
returns void language sql as $$
    insert into turn_results (tenant_id, session_id, position, ordinal, message_id, flow, run, path, kind, name,
                              digest, status, value, sealed, created_at)
    select p_tenant, p_session, i.position, r.ordinal, i.message_id, r.told ->> 'flow', r.told ->> 'run',
           r.told ->> 'path', r.told ->> 'kind', r.told ->> 'name', coalesce(r.told ->> 'digest', ''),
           r.told ->> 'status', r.told -> 'value', decode(r.told ->> 'sealed', 'base64'), i.accepted_at
    from inbox i, jsonb_array_elements(p_results) with ordinality r (told, ordinal)
    where i.tenant_id = p_tenant and i.id = p_entry
    on conflict (tenant_id, session_id, position, ordinal) do nothing;
$$;
