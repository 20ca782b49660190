-- Sessions in the hands of persons: those who wait for one come first.
create index sessions_in_handoff on sessions (tenant_id, handed_over_at) where status = 'handoff';

-- Puts a session into a person's hands or back into the bot's. Its row is locked already.
create function hand_session(p_tenant uuid, p_session uuid, p_to text, p_owner text, p_reason text, p_now timestamptz)
returns void language sql as $$
    update sessions
    set status = case p_to when 'person' then 'handoff' else 'active' end,
        owner = case p_to when 'person' then coalesce(p_owner, owner) end,
        handed_over_at = case p_to when 'person' then coalesce(handed_over_at, p_now) end,
        handoff_reason = case p_to when 'person' then coalesce(p_reason, handoff_reason) end
    where tenant_id = p_tenant and id = p_session and status <> 'closed';
$$;

-- What few turns write, as part of their commit. Each key of `p_also` is one kind:
--   hand    {"to": "person" | "bot", "owner", "reason"}: who has the session from now on
--   events  [{"session", "key", "entry", "payload" | "sealed"}]: told to other sessions, each once a key
--   agent   the operator who says the replies (read by `commit_turn`)
--   links, parted, taken_up  what makes or unmakes one person of several users (migration 0009): [{"user", "id",
--            "platform" and "external_id"}], [user], {"session", "version", "message", "notice"}
--   approvals  {"new", "kept", "void"}: all that the session waits for (migration 0010)
--   results  [{"flow", "run", "path", "kind", "name", "status", "digest" and "value" | "sealed"}] (migration 0011)
--   hide_files  true: a sensitive ask took the message, so its files lose their names and are shown no more
create function commit_also(p_tenant uuid, p_session uuid, p_entry uuid, p_also jsonb, p_now timestamptz)
returns void language plpgsql as $$
declare
    v_event jsonb;
    v_user uuid;
begin
    if p_also ? 'hand' then
        perform hand_session(p_tenant, p_session, p_also #>> '{hand,to}', p_also #>> '{hand,owner}',
                             p_also #>> '{hand,reason}', p_now);
    end if;
    if p_also ? 'approvals' then
        perform keep_approvals(p_tenant, p_session, p_also -> 'approvals', p_now);
    end if;
    if p_also ? 'results' then
        perform add_results(p_tenant, p_session, p_entry, p_also -> 'results');
    end if;
    if p_also ? 'hide_files' then
        update attachments a set sensitive = true, file_name = null
        from inbox i
        where i.tenant_id = p_tenant and i.id = p_entry and a.tenant_id = p_tenant and a.message_id = i.message_id;
    end if;
    if p_also ?| array['links', 'parted'] then
        select user_id into v_user from sessions where tenant_id = p_tenant and id = p_session;
        perform part_user(p_tenant, v_user, w::uuid, p_now) from jsonb_array_elements_text(p_also -> 'parted') w;
        perform link_user(p_tenant, v_user, l, p_now) from jsonb_array_elements(p_also -> 'links') l;
    end if;
    if p_also ? 'taken_up' then
        perform take_up(p_tenant, p_session, p_also -> 'taken_up', p_now);
    end if;
    -- In one order of sessions, so that two turns which tell each other's wait for one another only once.
    for v_event in select e from jsonb_array_elements(p_also -> 'events') e order by e ->> 'session' loop
        perform accept_event(p_tenant, (v_event ->> 'session')::uuid, v_event ->> 'key', (v_event ->> 'entry')::uuid,
                             v_event -> 'payload', decode(v_event ->> 'sealed', 'base64'), p_now);
    end loop;
end $$;

-- Queues what an operator does to a session, once a key, and takes the session for them at once: from then on the
-- bot's turn under way can no longer be committed. Actions: take (queues nothing) | reply | resume | close.
-- Outcomes: accepted | duplicate | unknown | closed | owned (another has it; detail in `owner`) | not_handed_over.
create function accept_operator(
    p_tenant uuid, p_session uuid, p_action text, p_by text, p_force boolean, p_key text, p_entry uuid,
    p_payload jsonb, p_sealed bytea, p_now timestamptz, out outcome text, out owner text
) language plpgsql as $$
#variable_conflict use_column
declare
    v_session sessions;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions where tenant_id = p_tenant and id = p_session for update;
    if not found then
        outcome := 'unknown';
        return;
    end if;
    owner := v_session.owner;
    if p_action <> 'take' and exists (select from inbound_keys
               where tenant_id = p_tenant and channel_id = v_session.channel_id and key = p_key) then
        outcome := 'duplicate';
        return;
    end if;
    outcome := case
        when v_session.status = 'closed' then 'closed'
        when v_session.owner <> p_by and not p_force then 'owned'
        when p_action = 'resume' and v_session.status <> 'handoff' then 'not_handed_over'
        else 'accepted' end;
    if outcome <> 'accepted' then
        return;
    end if;
    if v_session.seals_input and p_action = 'reply' and p_sealed is null then
        raise exception using errcode = 'PA001', message = 'seal the input', detail = v_session.user_id::text;
    end if;
    perform hand_session(p_tenant, p_session, 'person', p_by, null, p_now);
    owner := p_by;
    if p_action <> 'take' then
        insert into inbound_keys (tenant_id, channel_id, key, session_id, message_id, accepted_at)
        values (p_tenant, v_session.channel_id, p_key, p_session, p_entry, p_now);
        insert into inbox (tenant_id, id, session_id, position, kind, payload, sealed, accepted_at)
        values (p_tenant, p_entry, p_session, v_session.last_position + 1, 'operator',
                case when p_sealed is null then p_payload end, p_sealed, p_now);
        update sessions set last_position = v_session.last_position + 1 where tenant_id = p_tenant and id = p_session;
    end if;
end $$;
