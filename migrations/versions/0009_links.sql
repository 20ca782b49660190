-- Whether the user is linked to another: who is not pays nothing for what linked users can do.
alter table users add column linked boolean not null default false;

-- All users who are one person by active links, the given one first; at most ten.
create function linked_users(p_tenant uuid, p_user uuid) returns setof uuid language sql stable as $$
    with recursive person (user_id) as (
        select p_user
        union
        select o.user_id
        from person p
        cross join lateral (
            select l.linked_user_id as user_id from identity_links l
            where l.tenant_id = p_tenant and l.user_id = p.user_id and l.ended_at is null
            union all
            select l.user_id from identity_links l
            where l.tenant_id = p_tenant and l.linked_user_id = p.user_id and l.ended_at is null
        ) o
    )
    select user_id from person limit 10;
$$;

-- Links a user to another by a proved one-time code; a repeat changes nothing. Whoever `p_link` names by platform
-- and external id is made where they are new. A user's row is locked behind its session's here and the other way
-- round by accepting: Postgres ends one of two that wait for one another, and that one is tried again.
create function link_user(p_tenant uuid, p_user uuid, p_link jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
    v_other uuid := (p_link ->> 'user')::uuid;
begin
    if p_link ? 'external_id' then
        insert into users (tenant_id, id, platform, external_id, created_at)
        values (p_tenant, v_other, p_link ->> 'platform', p_link ->> 'external_id', p_now)
        on conflict (tenant_id, platform, external_id) do nothing;
        select id into strict v_other from users
        where tenant_id = p_tenant and platform = p_link ->> 'platform' and external_id = p_link ->> 'external_id';
    end if;
    if v_other = p_user or not exists (select from users where tenant_id = p_tenant and id = v_other) then
        return;
    end if;
    insert into identity_links (tenant_id, id, user_id, linked_user_id, proof, proved_at)
    values (p_tenant, (p_link ->> 'id')::uuid, least(p_user, v_other), greatest(p_user, v_other),
            'one_time_code', p_now)
    on conflict (tenant_id, user_id, linked_user_id) where ended_at is null do nothing;
    update users set linked = true where tenant_id = p_tenant and id in (p_user, v_other) and not linked;
end $$;

-- Ends all links of a user who is one person with `p_user`; they stay as history. Of anybody else it ends none.
create function part_user(p_tenant uuid, p_user uuid, p_who uuid, p_now timestamptz) returns void
language plpgsql as $$
declare
    v_parted uuid[];
begin
    if p_who not in (select linked_users(p_tenant, p_user)) then
        return;
    end if;
    with ended as (
        update identity_links set ended_at = p_now
        where tenant_id = p_tenant and p_who in (user_id, linked_user_id) and ended_at is null
        returning user_id, linked_user_id
    )
    select array_agg(user_id) || array_agg(linked_user_id) into v_parted from ended;
    update users u
    set linked = exists (select from identity_links l
                         where l.tenant_id = p_tenant and u.id in (l.user_id, l.linked_user_id)
                           and l.ended_at is null)
    where u.tenant_id = p_tenant and u.id = any (v_parted);
end $$;

-- Empties the session whose parked flow goes on in `p_session`, if nothing has moved it since its state was read
-- and it is still the same person's; raises PA005 otherwise. The row of `p_session` is locked already.
-- Events that come for it later go after the flow (see `accept_event`).
create function take_up(p_tenant uuid, p_session uuid, p_taken jsonb, p_now timestamptz) returns void
language plpgsql as $$
declare
    v_from sessions;
begin
    select * into v_from from sessions where tenant_id = p_tenant and id = (p_taken ->> 'session')::uuid for update;
    update conversation_state
    set flow = null, flow_version = null, state_name = null, data = '{}', sealed = null,
        checkpoint_entry = null, checkpoint = null, checkpoint_sealed = null,
        version = version + 1, updated_at = p_now
    where tenant_id = p_tenant and session_id = v_from.id and version = (p_taken ->> 'version')::integer
      and v_from.status = 'active' and v_from.parked and v_from.done_position = v_from.last_position
      and v_from.user_id in (select linked_users(p_tenant, s.user_id) from sessions s
                             where s.tenant_id = p_tenant and s.id = p_session);
    if not found then
        raise exception using errcode = 'PA005', message = 'what was to be taken up has gone on';
    end if;
    delete from timers where tenant_id = p_tenant and session_id = v_from.id;
    perform expire_approvals(p_tenant, v_from.id, 'withdrawn', p_now);
    insert into messages (tenant_id, id, session_id, seq, change, created_change, sender_type, content, created_at)
    values (p_tenant, (p_taken ->> 'message')::uuid, v_from.id, v_from.last_seq + 1, v_from.last_change + 1,
            v_from.last_change + 1, 'system', p_taken ->> 'notice', p_now);
    update sessions
    set parked = false, timed = false, seals_input = false, closes_at = p_now + idle,
        last_seq = last_seq + 1, last_change = last_change + 1,
        metadata = metadata || jsonb_build_object('continued_in', p_session)
    where tenant_id = p_tenant and id = v_from.id;
    -- Whoever took last is where the way of an event ends, so that it never goes round.
    update sessions set metadata = metadata - 'continued_in'
    where tenant_id = p_tenant and id = p_session and metadata ? 'continued_in';
end $$;
