-- The way of one message, in the database: each function is one transaction and one round trip.
--
-- They run as the caller, under row-level security, and set the tenant first. Whoever writes to a session
-- locks its row first, so every other lock is taken behind it. Errors that the caller acts on:
--   PA001  the session takes sealed input only (detail: the user's id; of an event also the session's, after a slash)
--   PA002  the state's version is not the one that the turn started from
--   PA003  the session went into other hands (the bot's, or a person's) since the turn started
--   PA004  one of the files that the message names is not its user's, not ready or another message's
--   PA005  the flow that the turn takes up from another session has gone on there, or elsewhere (see 0009)

-- One queued entry with all that a turn needs to start from it.
create type claimed_turn as (
    outcome text,               -- claimed | empty | busy | later
    session_id uuid, user_id uuid, channel_id uuid, platform text, external_user_id text, thread_key text,
    locale text, profile jsonb, in_handoff boolean, owner text, linked boolean,
    token bigint, cancel_seq bigint,
    entry_id uuid, "position" bigint, kind text, content text, payload jsonb, input_sealed bytea,
    message_id uuid, reply_id uuid, accepted_at timestamptz, attempts integer,
    state_version integer, flow text, flow_version text, state_name text, data jsonb, state_sealed bytea,
    checkpoint jsonb, checkpoint_sealed bytea,
    files jsonb                 -- of the message, in its order; null for none
);

-- Stores one inbound event once: its dedupe keys (sorted and distinct, so that two events with several keys in
-- common wait for each other and never for ever), its user and session where they are new, the message, the
-- queue entry and, for clients that poll, the reply's placeholder. Claims the session if it was idle.
create function accept_inbound(
    p_tenant uuid, p_channel uuid, p_platform text, p_keys text[],
    p_external_user text, p_locale text, p_profile jsonb, p_thread text,
    p_kind text, p_content text, p_content_type text, p_payload jsonb, p_raw jsonb, p_sealed bytea,
    p_external_message text, p_attachments uuid[],
    p_user uuid, p_session uuid, p_message uuid, p_entry uuid, p_reply uuid,
    p_now timestamptz, p_idle interval, p_lease interval, p_claim boolean
) returns table (
    outcome text, session_id uuid, user_id uuid, message_id uuid, reply_id uuid,
    seq bigint, change bigint, "position" bigint, token bigint, cancel_seq bigint, locale text, profile jsonb,
    in_handoff boolean, owner text, linked boolean,
    state_version integer, flow text, flow_version text, state_name text, data jsonb, state_sealed bytea,
    files jsonb
) language plpgsql as $$
#variable_conflict use_column
declare
    v_user users;
    v_session sessions;
    v_taken integer;
    v_idle boolean;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);

    select * into v_user from users
    where tenant_id = p_tenant and platform = p_platform and external_id = p_external_user;
    if found and (v_user.locale is distinct from coalesce(p_locale, v_user.locale)
                  or not v_user.profile @> p_profile) then
        update users u set locale = coalesce(p_locale, u.locale), profile = u.profile || p_profile
        where u.tenant_id = p_tenant and u.id = v_user.id
        returning * into v_user;
    elsif not found then
        insert into users (tenant_id, id, platform, external_id, locale, profile, created_at)
        values (p_tenant, p_user, p_platform, p_external_user, p_locale, p_profile, p_now)
        on conflict (tenant_id, platform, external_id) do nothing;
        select * into strict v_user from users
        where tenant_id = p_tenant and platform = p_platform and external_id = p_external_user;
    end if;

    loop
        select * into v_session from sessions
        where tenant_id = p_tenant and channel_id = p_channel and thread_key = p_thread
          and user_id = v_user.id and status <> 'closed'
        for update;
        if found and (v_session.status = 'handoff' or v_session.closes_at > p_now
                      or v_session.done_position < v_session.last_position) then
            exit;
        elsif found then
            -- A repeat of what an old session answered must not close it and open another.
            if exists (select from inbound_keys
                       where tenant_id = p_tenant and channel_id = p_channel and key = any (p_keys)) then
                exit;
            end if;
            update sessions set status = 'closed', ended_at = p_now,
                   end_reason = case when parked then 'abandoned' else 'idle' end
            where tenant_id = p_tenant and id = v_session.id;
        elsif exists (select from inbound_keys
                      where tenant_id = p_tenant and channel_id = p_channel and key = any (p_keys)) then
            exit;
        end if;
        insert into sessions (tenant_id, id, user_id, channel_id, platform, thread_key,
                              started_at, last_active_at, closes_at, idle)
        values (p_tenant, p_session, v_user.id, p_channel, p_platform, p_thread, p_now, p_now, p_now + p_idle, p_idle)
        on conflict (tenant_id, channel_id, thread_key, user_id) where status <> 'closed' do nothing;
    end loop;

    insert into inbound_keys (tenant_id, channel_id, key, session_id, message_id, reply_id, accepted_at)
    select p_tenant, p_channel, k, coalesce(v_session.id, p_session), p_message, p_reply, p_now
    from unnest(p_keys) k
    on conflict (tenant_id, channel_id, key) do nothing;
    get diagnostics v_taken = row_count;
    if v_taken < cardinality(p_keys) then
        -- Any conflict is a duplicate; the keys that are new now point to the first as well.
        select k.session_id, k.message_id, k.reply_id into session_id, message_id, reply_id
        from inbound_keys k
        where k.tenant_id = p_tenant and k.channel_id = p_channel and k.key = any (p_keys)
          and k.message_id <> p_message
        limit 1;
        update inbound_keys k set session_id = accept_inbound.session_id, message_id = accept_inbound.message_id,
               reply_id = accept_inbound.reply_id
        where k.tenant_id = p_tenant and k.channel_id = p_channel and k.key = any (p_keys)
          and k.message_id = p_message;
        outcome := 'duplicate';
        return next;
        return;
    end if;

    if v_session.seals_input and p_sealed is null then
        raise exception using errcode = 'PA001', message = 'seal the input', detail = v_user.id::text;
    end if;

    session_id := v_session.id;
    user_id := v_user.id;
    seq := v_session.last_seq + 1;
    change := v_session.last_change + 1;
    position := v_session.last_position + 1;
    cancel_seq := v_session.cancel_seq;
    v_idle := p_claim and v_session.done_position = v_session.last_position;
    token := v_session.lease_token + case when v_idle then 1 else 0 end;

    update sessions s set last_seq = accept_inbound.seq, last_change = accept_inbound.change,
           last_position = accept_inbound.position, lease_token = accept_inbound.token, last_active_at = p_now
    where s.tenant_id = p_tenant and s.id = v_session.id;

    insert into messages (tenant_id, id, session_id, seq, change, created_change, sender_type, sender_id,
                          external_message_id, in_reply_to, content, content_type, sealed, status, created_at,
                          raw_payload, has_files)
    select p_tenant, p_message, v_session.id, accept_inbound.seq, accept_inbound.change, accept_inbound.change,
           'user', v_user.id::text, p_external_message, null::uuid,
           case when p_sealed is null then p_content else '' end, p_content_type, p_sealed, 'completed', p_now,
           case when p_sealed is null then p_raw end, case when p_attachments is not null then true end
    union all
    select p_tenant, p_reply, v_session.id, null, null, null,
           'bot', null, null, p_message, '', 'text', null, 'pending', p_now, null, null
    where p_reply is not null;
    if p_attachments is not null then
        -- Locked in one order, so that two messages which name the same files wait for one another only once.
        update attachments a set message_id = p_message, place = array_position(p_attachments, a.id)
        from (select n.id from attachments n
              where n.tenant_id = p_tenant and n.user_id = v_user.id and n.id = any (p_attachments)
                and n.message_id is null and n.status = 'ready'
              order by n.id for update) free
        where a.tenant_id = p_tenant and a.id = free.id;
        get diagnostics v_taken = row_count;
        if v_taken < cardinality(p_attachments) then
            raise exception using errcode = 'PA004', message = 'there is no such file to be sent';
        end if;
        files := files_of(p_tenant, p_message);
    end if;
    insert into inbox (tenant_id, id, session_id, position, kind, message_id, reply_id, payload, accepted_at,
                       lease_until, attempts)
    values (p_tenant, p_entry, v_session.id, accept_inbound.position, p_kind, p_message, p_reply,
            case when p_sealed is null then p_payload end, p_now,
            case when v_idle then now() + p_lease end, case when v_idle then 1 else 0 end);

    outcome := case when v_idle then 'claimed' else 'accepted' end;
    message_id := p_message;
    reply_id := p_reply;
    if v_idle then
        locale := v_user.locale;
        profile := v_user.profile;
        in_handoff := v_session.status = 'handoff';
        owner := v_session.owner;
        linked := v_user.linked;
        select c.version, c.flow, c.flow_version, c.state_name, c.data, c.sealed
        into state_version, flow, flow_version, state_name, data, state_sealed
        from conversation_state c where c.tenant_id = p_tenant and c.session_id = v_session.id;
    end if;
    return next;
end $$;

-- Claims the first due entry of a session by the database's clock.
create function claim_turn(p_tenant uuid, p_session uuid, p_lease interval)
returns setof claimed_turn language plpgsql as $$
declare
    v_session sessions;
    v_entry inbox;
    v_turn claimed_turn;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions where tenant_id = p_tenant and id = p_session for update;
    if found then
        select * into v_entry from inbox
        where tenant_id = p_tenant and session_id = p_session and position > v_session.done_position
        order by position limit 1;
    end if;
    v_turn.outcome := case
        when v_entry.id is null then 'empty'
        when v_entry.lease_until > now() then 'busy'
        when v_entry.due_at > now() then 'later'
        else 'claimed' end;
    if v_turn.outcome = 'claimed' then
        update sessions set lease_token = lease_token + 1 where tenant_id = p_tenant and id = p_session;
        update inbox set lease_until = now() + p_lease, attempts = attempts + 1
        where tenant_id = p_tenant and id = v_entry.id;
        select 'claimed', v_session.id, v_session.user_id, v_session.channel_id, v_session.platform,
               u.external_id, v_session.thread_key, u.locale, u.profile,
               v_session.status = 'handoff', v_session.owner, u.linked,
               v_session.lease_token + 1, v_session.cancel_seq,
               v_entry.id, v_entry.position, v_entry.kind, m.content, v_entry.payload, coalesce(m.sealed, v_entry.sealed),
               v_entry.message_id, v_entry.reply_id, v_entry.accepted_at, v_entry.attempts + 1,
               c.version, c.flow, c.flow_version, c.state_name, c.data, c.sealed,
               case when c.checkpoint_entry = v_entry.id then c.checkpoint end,
               case when c.checkpoint_entry = v_entry.id then c.checkpoint_sealed end,
               case when m.has_files then files_of(p_tenant, m.id) end
        into v_turn
        from users u
        left join messages m on m.tenant_id = p_tenant and m.id = v_entry.message_id
        left join conversation_state c on c.tenant_id = p_tenant and c.session_id = p_session
        where u.tenant_id = p_tenant and u.id = v_session.user_id;
    end if;
    return next v_turn;
end $$;

-- Extends a lease that is still ours and tells the number of the last Stop; null when the lease is lost.
create function renew_lease(p_tenant uuid, p_session uuid, p_token bigint, p_lease interval)
returns bigint language plpgsql as $$
declare
    v_session sessions;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions
    where tenant_id = p_tenant and id = p_session and lease_token = p_token
    for update;
    if found then
        update inbox set lease_until = now() + p_lease
        where tenant_id = p_tenant and session_id = p_session and position = v_session.done_position + 1
          and status = 'queued';
    end if;
    return case when found then v_session.cancel_seq end;
end $$;

-- Writes what a turn has recorded so far, fenced like the commit; false when the lease is lost.
create function checkpoint_turn(
    p_tenant uuid, p_session uuid, p_token bigint, p_entry uuid, p_record jsonb, p_sealed bytea, p_now timestamptz
) returns boolean language plpgsql as $$
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    perform from sessions where tenant_id = p_tenant and id = p_session and lease_token = p_token for update;
    if not found or not exists (select from inbox where tenant_id = p_tenant and id = p_entry) then
        return false;
    end if;
    insert into conversation_state as c
        (tenant_id, session_id, checkpoint_entry, checkpoint, checkpoint_sealed, updated_at)
    values (p_tenant, p_session, p_entry, p_record, p_sealed, p_now)
    on conflict (tenant_id, session_id) do update
    set checkpoint_entry = excluded.checkpoint_entry, checkpoint = excluded.checkpoint,
        checkpoint_sealed = excluded.checkpoint_sealed, updated_at = excluded.updated_at;
    return true;
end $$;

-- Writes a turn's outcome: replies, state, queue entry done (or dead, with p_error), deliveries, and what few turns
-- have (p_also, see `commit_also`). Fenced by the token; the same commit sent again (its answer was lost) says
-- 'repeated'. A turn that started while the bot had the session writes nothing once a person has it, and the other
-- way round. Claims the next entry on if asked.
create function commit_turn(
    p_tenant uuid, p_session uuid, p_token bigint, p_entry uuid, p_position bigint,
    p_message uuid, p_reply uuid, p_reason text, p_input_content text, p_input_raw jsonb,
    p_reply_ids uuid[], p_contents text[], p_content_types text[], p_senders text[], p_seals bytea[],
    p_write_state boolean, p_state_version integer, p_flow text, p_flow_version text, p_state_name text,
    p_data jsonb, p_state_sealed bytea, p_seals_input boolean,
    p_dispatch_ids uuid[], p_dispatch_channels uuid[], p_dispatch_addresses text[], p_dispatch_seals bytea[],
    p_push_address text, p_now timestamptz, p_open_for interval, p_parked boolean, p_close boolean,
    p_damage text, p_error text, p_claim_next boolean, p_lease interval,
    p_flag_names text[], p_flag_values jsonb[], p_flag_seals bytea[], p_resolved boolean,
    p_timer_ids uuid[], p_timer_dues timestamptz[], p_timer_payloads jsonb[],
    p_in_handoff boolean, p_owner text, p_also jsonb
) returns table (
    outcome text, first_seq bigint, first_change bigint, token bigint, cancel_seq bigint,
    entry_id uuid, "position" bigint, kind text, content text, payload jsonb, input_sealed bytea,
    message_id uuid, reply_id uuid, accepted_at timestamptz, attempts integer, files jsonb
) language plpgsql as $$
#variable_conflict use_column
declare
    v_session sessions;
    v_next inbox;
    v_count integer := coalesce(cardinality(p_reply_ids), 0);
    v_failed integer;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions where tenant_id = p_tenant and id = p_session for update;
    if not found or v_session.lease_token <> p_token or v_session.done_position <> p_position - 1 then
        outcome := case when v_session.done_position >= p_position
                         and not exists (select from inbox where tenant_id = p_tenant and id = p_entry
                                         and status = 'queued')
                        then 'repeated' else 'lost' end;
        return next;
        return;
    end if;
    if (v_session.status = 'handoff') <> p_in_handoff or v_session.owner is distinct from p_owner then
        raise exception using errcode = 'PA003', message = 'the session is in other hands';
    end if;

    -- A failed message changes before the apology appears, so that whoever sees the apology sees a gap and reads.
    v_failed := case when p_error is not null and p_message is not null then 1 else 0 end;
    first_seq := v_session.last_seq + 1;
    first_change := v_session.last_change + v_failed + 1;

    if p_damage is not null then
        insert into damaged_states (tenant_id, session_id, reason, state, sealed, found_at)
        select p_tenant, p_session, p_damage, to_jsonb(c) - 'sealed' - 'checkpoint_sealed', c.sealed, p_now
        from conversation_state c where c.tenant_id = p_tenant and c.session_id = p_session;
    end if;
    if p_write_state then
        update conversation_state c
        set flow = p_flow, flow_version = p_flow_version, state_name = p_state_name, data = p_data,
            sealed = p_state_sealed, checkpoint_entry = null, checkpoint = null, checkpoint_sealed = null,
            version = c.version + 1, updated_at = p_now
        where c.tenant_id = p_tenant and c.session_id = p_session and c.version = p_state_version;
        if not found then
            insert into conversation_state
                (tenant_id, session_id, flow, flow_version, state_name, data, sealed, version, updated_at)
            select p_tenant, p_session, p_flow, p_flow_version, p_state_name, p_data, p_state_sealed, 1, p_now
            where p_state_version = 0
            on conflict (tenant_id, session_id) do nothing;
            if not found then
                raise exception using errcode = 'PA002', message = 'the state has another version';
            end if;
        end if;
    else
        update conversation_state c set checkpoint_entry = null, checkpoint = null, checkpoint_sealed = null
        where c.tenant_id = p_tenant and c.session_id = p_session and c.checkpoint_entry = p_entry;
    end if;

    for n in 1 .. v_count loop
        if p_reply_ids[n] = p_reply then
            update messages m
            set seq = first_seq + n - 1, change = first_change + n - 1, created_change = first_change + n - 1,
                sender_type = p_senders[n], content = p_contents[n], content_type = p_content_types[n],
                sealed = p_seals[n], status = 'completed', created_at = p_now
            where m.tenant_id = p_tenant and m.id = p_reply;
        else
            insert into messages as m
                (tenant_id, id, session_id, seq, change, created_change, sender_type, sender_id,
                 in_reply_to, content, content_type, sealed, created_at)
            values (p_tenant, p_reply_ids[n], p_session, first_seq + n - 1, first_change + n - 1,
                    first_change + n - 1, p_senders[n], case when p_senders[n] = 'agent' then p_also ->> 'agent' end,
                    p_message, p_contents[n], p_content_types[n], p_seals[n],
                    p_now)
            -- Shown while it was written (see `open_stream`).
            on conflict (tenant_id, id) do update
            set seq = excluded.seq, change = excluded.change, created_change = excluded.created_change,
                sender_type = excluded.sender_type, sender_id = excluded.sender_id, content = excluded.content,
                content_type = excluded.content_type, sealed = excluded.sealed, status = 'completed',
                created_at = excluded.created_at
            where m.session_id = p_session and m.status = 'pending';
            if not found then
                raise exception using errcode = 'unique_violation', message = 'there is such a message already';
            end if;
        end if;
        if p_push_address is not null then
            insert into outbox as o
                (tenant_id, id, session_id, channel_id, message_id, position, address, created_at)
            values (p_tenant, p_reply_ids[n], p_session, v_session.channel_id, p_reply_ids[n], first_seq + n - 1,
                    p_push_address, p_now)
            on conflict (tenant_id, id) do update
            set status = 'queued', position = excluded.position, due_at = now()
            where o.status = 'open';
        end if;
    end loop;
    if p_push_address is not null then
        -- What was shown of a reply that came to nothing is taken back, behind all that is said.
        with taken_back as (
            update outbox o set status = 'queued', position = first_seq + v_count, due_at = now()
            where o.tenant_id = p_tenant and o.session_id = p_session and o.status = 'open'
            returning o.message_id
        )
        update messages m set status = 'completed', reason = 'none'
        from taken_back
        where m.tenant_id = p_tenant and m.id = taken_back.message_id and m.id is distinct from p_reply
          and m.status = 'pending';
    end if;
    if v_count = 0 and p_reply is not null then
        update messages m set status = 'completed', reason = coalesce(p_reason, 'none')
        where m.tenant_id = p_tenant and m.id = p_reply;
    end if;
    for n in 1 .. coalesce(cardinality(p_dispatch_ids), 0) loop
        insert into outbox (tenant_id, id, session_id, channel_id, position, address, sealed, created_at)
        values (p_tenant, p_dispatch_ids[n], p_session, p_dispatch_channels[n], first_seq + v_count - 1,
                p_dispatch_addresses[n], p_dispatch_seals[n], p_now);
    end loop;

    -- What a flow remembers of its user; neither a value nor a seal forgets it.
    for n in 1 .. coalesce(cardinality(p_flag_names), 0) loop
        if p_flag_values[n] is null and p_flag_seals[n] is null then
            delete from user_flags f
            where f.tenant_id = p_tenant and f.user_id = any (array(select linked_users(p_tenant, v_session.user_id)))
              and f.name = p_flag_names[n];
        else
            insert into user_flags (tenant_id, user_id, name, value, sealed, updated_at)
            values (p_tenant, v_session.user_id, p_flag_names[n], p_flag_values[n], p_flag_seals[n], p_now)
            on conflict (tenant_id, user_id, name) do update
            set value = excluded.value, sealed = excluded.sealed, updated_at = excluded.updated_at;
        end if;
    end loop;

    -- The timers that the session has from now on; null leaves them. One that fired and is still named stays fired.
    if p_timer_ids is not null and (v_session.timed or cardinality(p_timer_ids) > 0) then
        delete from timers t
        where t.tenant_id = p_tenant and t.session_id = p_session and t.id <> all (p_timer_ids);
        insert into timers (tenant_id, id, session_id, due_at, payload)
        select p_tenant, n.id, p_session, n.due_at, n.payload
        from unnest(p_timer_ids, p_timer_dues, p_timer_payloads) n (id, due_at, payload)
        on conflict (tenant_id, id) do nothing;
    end if;

    if p_also is not null then
        perform commit_also(p_tenant, p_session, p_entry, p_also, p_now);
    end if;

    if p_error is null then
        if p_message is not null then
            update messages m
            -- What was sealed when the turn took it and is no more was deleted meanwhile, and stays so.
            set answered_at = p_now,
                content = case when m.sealed is null and p_input_content <> '[sensitive]' then m.content
                               else coalesce(p_input_content, m.content) end,
                sealed = case when p_input_content is null then m.sealed end,
                raw_payload = case when p_input_content is null then m.raw_payload
                                   when m.sealed is not null then p_input_raw end
            where m.tenant_id = p_tenant and m.id = p_message;
        end if;
        delete from inbox i where i.tenant_id = p_tenant and i.id = p_entry;
    else
        if p_message is not null then
            -- Sealed text stays sealed; what a sensitive ask took before it could be sealed goes.
            update messages m
            set status = 'failed', change = v_session.last_change + 1,
                content = case when m.sealed is null and p_input_content = '[sensitive]' then p_input_content
                               else m.content end,
                raw_payload = case when p_input_content is null then m.raw_payload end
            where m.tenant_id = p_tenant and m.id = p_message;
        end if;
        update inbox i set status = 'dead', error = p_error, lease_until = null,
               payload = case when p_input_content is null then i.payload end
        where i.tenant_id = p_tenant and i.id = p_entry;
    end if;

    token := p_token;
    if v_session.last_position > p_position then
        select * into v_next from inbox i
        where i.tenant_id = p_tenant and i.session_id = p_session and i.position > p_position
        order by i.position limit 1;
        if p_claim_next and not p_close and v_next.due_at <= now() then
            token := p_token + 1;
            update inbox i set lease_until = now() + p_lease, attempts = i.attempts + 1
            where i.tenant_id = p_tenant and i.id = v_next.id;
        end if;
    end if;

    update sessions s
    set last_seq = v_session.last_seq + v_count, last_change = v_session.last_change + v_failed + v_count, done_position = p_position,
        lease_token = commit_turn.token, last_active_at = p_now,
        parked = coalesce(p_parked, s.parked), timed = coalesce(cardinality(p_timer_ids) > 0, s.timed),
        closes_at = case when p_parked is null then s.closes_at else p_now + coalesce(p_open_for, s.idle) end,
        seals_input = coalesce(p_seals_input, s.seals_input),
        resolved = coalesce(p_resolved, s.resolved),
        status = case when p_close and v_next.id is null then 'closed' else s.status end,
        ended_at = case when p_close and v_next.id is null then p_now else s.ended_at end,
        end_reason = case when p_close and v_next.id is null then 'ended' else s.end_reason end
    where s.tenant_id = p_tenant and s.id = p_session;

    if token > p_token then
        outcome := 'next';
        cancel_seq := v_session.cancel_seq;
        select v_next.id, v_next.position, v_next.kind, m.content, v_next.payload, coalesce(m.sealed, v_next.sealed), v_next.message_id,
               v_next.reply_id, v_next.accepted_at, v_next.attempts + 1,
               case when m.has_files then files_of(p_tenant, m.id) end
        into entry_id, position, kind, content, payload, input_sealed, message_id, reply_id, accepted_at, attempts,
             files
        from (select) one left join messages m on m.tenant_id = p_tenant and m.id = v_next.message_id;
    else
        outcome := case when v_next.id is null then 'done' else 'more' end;
    end if;
    return next;
end $$;

-- Lets the session's due timers go off, each once: marked as fired and queued behind what waits, in one
-- transaction. The entry's id is the timer's. Returns how many.
create function fire_timers(p_tenant uuid, p_session uuid, p_now timestamptz) returns integer language plpgsql as $$
declare
    v_session sessions;
    v_timer timers;
    v_position bigint;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions where tenant_id = p_tenant and id = p_session for update;
    if v_session.status = 'closed' then
        -- Closed by another while a turn ran, which then parked.
        delete from timers where tenant_id = p_tenant and session_id = p_session;
        return 0;
    end if;
    v_position := v_session.last_position;
    for v_timer in
        select * from timers
        where tenant_id = p_tenant and session_id = p_session and fired_at is null and due_at <= p_now
        order by due_at, id
    loop
        update timers set fired_at = p_now where tenant_id = p_tenant and id = v_timer.id;
        insert into inbox (tenant_id, id, session_id, position, kind, payload, accepted_at)
        values (p_tenant, v_timer.id, p_session, v_position + 1, 'timer', v_timer.payload, p_now)
        on conflict (tenant_id, id) do nothing;
        if found then
            v_position := v_position + 1;
        end if;
    end loop;
    update sessions set last_position = v_position where tenant_id = p_tenant and id = p_session;
    return v_position - v_session.last_position;
end $$;

-- Queues a named event for a session, once a key: accepted | duplicate | closed | unknown.
create function accept_event(
    p_tenant uuid, p_session uuid, p_key text, p_entry uuid, p_payload jsonb, p_sealed bytea, p_now timestamptz
) returns text language plpgsql as $$
declare
    v_session sessions;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_session from sessions where tenant_id = p_tenant and id = p_session for update;
    if not found then
        return 'unknown';
    end if;
    -- What went on in another session of the person is waiting there now (see `take_up`).
    while not v_session.parked and v_session.metadata ? 'continued_in' loop
        select * into v_session from sessions
        where tenant_id = p_tenant and id = (v_session.metadata ->> 'continued_in')::uuid for update;
        if not found then
            return 'unknown';
        end if;
    end loop;
    if exists (select from inbound_keys
               where tenant_id = p_tenant and channel_id = v_session.channel_id and key = p_key) then
        return 'duplicate';
    end if;
    if v_session.status = 'closed' then
        return 'closed';
    end if;
    if v_session.seals_input and p_sealed is null then
        raise exception using errcode = 'PA001', message = 'seal the input',
              detail = v_session.user_id::text || '/' || p_session::text;
    end if;
    insert into inbound_keys (tenant_id, channel_id, key, session_id, message_id, accepted_at)
    values (p_tenant, v_session.channel_id, p_key, v_session.id, p_entry, p_now);
    insert into inbox (tenant_id, id, session_id, position, kind, payload, sealed, accepted_at)
    values (p_tenant, p_entry, v_session.id, v_session.last_position + 1, 'event',
            case when p_sealed is null then p_payload end, p_sealed, p_now);
    update sessions set last_position = v_session.last_position + 1 where tenant_id = p_tenant and id = v_session.id;
    return 'accepted';
end $$;

-- A session that ended has no timers any more, whoever ended it.
create function forget_timers() returns trigger language plpgsql as $$
begin
    delete from timers where tenant_id = new.tenant_id and session_id = new.id;
    return null;
end $$;

create trigger sessions_ended after update of status on sessions
for each row when (new.status = 'closed' and (old.timed or new.timed)) execute function forget_timers();

-- Gives the lease back; the entry stays first in its lane and is due again after a while.
create function retry_turn(p_tenant uuid, p_session uuid, p_token bigint, p_entry uuid, p_after interval, p_error text)
returns boolean language plpgsql as $$
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    perform from sessions where tenant_id = p_tenant and id = p_session and lease_token = p_token for update;
    if not found then
        return false;
    end if;
    update inbox set lease_until = null, due_at = now() + p_after, error = p_error
    where tenant_id = p_tenant and id = p_entry;
    return found;
end $$;

-- A reply that a client waits for, with the ids of its turn's further replies; one row, of nulls when the user
-- has no such message on the channel. Reads only.
create function read_reply(p_tenant uuid, p_channel uuid, p_user uuid, p_reply uuid) returns table (
    id uuid, session_id uuid, seq bigint, change bigint, created_change bigint, sender_type text, content text,
    content_type text, sealed bytea, status text, in_reply_to uuid, created_at timestamptz, reason text, more uuid[],
    files jsonb
) language plpgsql as $$
#variable_conflict use_column
declare
    v_message messages;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_message from messages where tenant_id = p_tenant and id = p_reply;
    perform from sessions
    where tenant_id = p_tenant and id = v_message.session_id and channel_id = p_channel and user_id = p_user;
    if found then
        select v_message.id, v_message.session_id, v_message.seq, v_message.change, v_message.created_change,
               v_message.sender_type, v_message.content, v_message.content_type, v_message.sealed,
               v_message.status, v_message.in_reply_to, v_message.created_at, v_message.reason,
               case when v_message.has_files then files_of(p_tenant, p_reply) end
        into id, session_id, seq, change, created_change, sender_type, content, content_type, sealed,
             status, in_reply_to, created_at, reason, files;
        more := array(select f.id from messages f
                      where f.tenant_id = p_tenant and f.session_id = v_message.session_id
                        and f.seq > v_message.seq and f.in_reply_to = v_message.in_reply_to
                      order by f.seq);
    end if;
    return next;
end $$;
