-- Approvals: asked for by the commit that parks, decided once under the row's lock, used once by a call.
--
-- Whoever decides changes the row; what the flow makes of it comes after. So whoever is second is told what stands,
-- whether they are a person in the chat, an operator, or the time that is up.

create function expire_approvals(p_tenant uuid, p_session uuid, p_reason text, p_now timestamptz)
returns void language sql as $$
    update approvals set status = 'expired', reason = p_reason
    where tenant_id = p_tenant and session_id = p_session and status = 'pending';
$$;

-- All approvals that a session waits for from now on; its other undecided ones have expired. Its row is locked.
-- `p_waiting`: {"new": [{"id", "flow", "action", "shown" | "sealed", "hash", "asker", "operators", "until"}],
-- "kept": [id], "void": {id: reason}}, where the void ones count no more though they may be approved by now.
create function keep_approvals(p_tenant uuid, p_session uuid, p_waiting jsonb, p_now timestamptz)
returns void language plpgsql as $$
begin
    update approvals a set status = 'expired', reason = coalesce(p_waiting -> 'void' ->> a.id::text, 'withdrawn')
    where a.tenant_id = p_tenant and a.session_id = p_session
      and ((a.status = 'pending' and not p_waiting -> 'kept' ? a.id::text)
           or (a.status = 'approved' and p_waiting -> 'void' ? a.id::text));
    insert into approvals (tenant_id, id, session_id, user_id, flow, action, shown, sealed, shown_hash,
                           by_asker, by_operators, created_at, expires_at)
    select p_tenant, (n ->> 'id')::uuid, p_session, s.user_id, n ->> 'flow', n ->> 'action',
           coalesce(n ->> 'shown', ''), decode(n ->> 'sealed', 'base64'), decode(n ->> 'hash', 'base64'),
           (n ->> 'asker')::boolean,
           case when jsonb_typeof(n -> 'operators') = 'array'
                then array(select jsonb_array_elements_text(n -> 'operators')) end,
           p_now, (n ->> 'until')::timestamptz
    from sessions s, jsonb_array_elements(p_waiting -> 'new') n
    where s.tenant_id = p_tenant and s.id = p_session;
    -- Closed by another while the turn ran.
    if exists (select from sessions where tenant_id = p_tenant and id = p_session and status = 'closed') then
        perform expire_approvals(p_tenant, p_session, 'closed', p_now);
    end if;
end $$;

-- Has an approval decided, once, for the flow that waits for it: approved or rejected by its user, expired when the
-- time is up, or nothing (p_status null). One row: what stands, which may be what somebody else decided before.
-- A user's own word that nothing came of, since its turn failed or was stopped, may be taken back by them, and ends
-- with the time; it is used up once a call has been begun with it.
create function settle_approval(
    p_tenant uuid, p_session uuid, p_approval uuid, p_hash bytea, p_status text, p_by text, p_reason text,
    p_sealed_reason bytea, p_now timestamptz, out status text, out decided_by text, out reason text,
    out sealed_reason bytea, out used_by text
) language plpgsql as $$
#variable_conflict use_column
declare
    v_approval approvals;
    v_late boolean;
    v_own boolean;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    select * into v_approval from approvals
    where tenant_id = p_tenant and id = p_approval and session_id = p_session and shown_hash = p_hash
    for update;
    v_late := v_approval.expires_at <= p_now;
    v_own := v_approval.decided_by = p_by and v_approval.status in ('approved', 'rejected');
    if (v_approval.status = 'pending' and (p_status = 'expired' or (p_status is not null and v_late)))
       or (v_approval.status = 'approved' and p_status = 'expired' and v_approval.decided_by like 'user:%') then
        update approvals set status = 'expired' where tenant_id = p_tenant and id = p_approval
        returning * into v_approval;
    elsif p_status <> v_approval.status and v_approval.by_asker
          and (v_approval.status = 'pending' or (v_own and (p_status = 'rejected' or not v_late))) then
        update approvals
        set status = p_status, decided_by = p_by, decided_at = p_now, reason = p_reason, sealed_reason = p_sealed_reason
        where tenant_id = p_tenant and id = p_approval
        returning * into v_approval;
    end if;
    status := coalesce(v_approval.status, 'expired');
    decided_by := v_approval.decided_by;
    reason := v_approval.reason;
    sealed_reason := v_approval.sealed_reason;
    used_by := v_approval.used_by;
end $$;

-- Uses an approval for the call with this idempotency key; the same call may be begun again.
create function use_approval(
    p_tenant uuid, p_session uuid, p_approval uuid, p_hash bytea, p_key text, p_now timestamptz
) returns boolean language plpgsql as $$
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    update approvals
    set status = 'used', used_by = p_key, used_at = coalesce(used_at, p_now)
    where tenant_id = p_tenant and id = p_approval and session_id = p_session and shown_hash = p_hash
      and (status = 'approved' or (status = 'used' and used_by = p_key));
    return found;
end $$;

-- Takes an operator's decision and queues it for the session; whatever is not accepted changes nothing. Outcomes:
-- accepted | duplicate (the same operator said the same before) | decided | expired | changed (the hash is another's)
-- | not_allowed | closed | unknown.
create function accept_decision(
    p_tenant uuid, p_approval uuid, p_entry uuid, p_operator text, p_approve boolean, p_reason text,
    p_sealed_reason bytea, p_hash bytea, p_now timestamptz, out outcome text, out session_id uuid
) language plpgsql as $$
#variable_conflict use_column
declare
    v_session sessions;
    v_approval approvals;
    v_by text := 'operator:' || p_operator;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    -- The session first, as everybody locks who writes to it.
    select s.* into v_session from sessions s
    where s.tenant_id = p_tenant
      and s.id = (select a.session_id from approvals a where a.tenant_id = p_tenant and a.id = p_approval)
    for update;
    if not found then
        outcome := 'unknown';
        return;
    end if;
    select * into v_approval from approvals where tenant_id = p_tenant and id = p_approval for update;
    session_id := v_session.id;
    outcome := case
        when v_approval.shown_hash <> p_hash then 'changed'
        when not coalesce(p_operator = any (v_approval.by_operators), v_approval.by_operators is null) then 'not_allowed'
        when v_approval.decided_by = v_by and (v_approval.status in ('approved', 'used')) = p_approve
             and v_approval.status <> 'expired' then 'duplicate'
        when v_approval.status = 'expired' then 'expired'
        when v_approval.status <> 'pending' then 'decided'
        when v_session.status = 'closed' then 'closed'
        when v_approval.expires_at <= p_now then 'expired'
        else 'accepted' end;
    if outcome <> 'accepted' then
        return;
    end if;
    update approvals
    set status = case when p_approve then 'approved' else 'rejected' end, decided_by = v_by, decided_at = p_now,
        reason = p_reason, sealed_reason = p_sealed_reason
    where tenant_id = p_tenant and id = p_approval;
    insert into inbox (tenant_id, id, session_id, position, kind, payload, accepted_at)
    values (p_tenant, p_entry, v_session.id, v_session.last_position + 1, 'decision',
            jsonb_build_object('approval', p_approval), p_now);
    update sessions set last_position = v_session.last_position + 1 where tenant_id = p_tenant and id = v_session.id;
end $$;

-- A session that ended waits for no approval, whoever ended it. One that does has a timer for it.
create function forget_approvals() returns trigger language plpgsql as $$
begin
    perform expire_approvals(new.tenant_id, new.id, 'closed', new.ended_at);
    return null;
end $$;

create trigger sessions_ended_undecided after update of status on sessions
for each row when (new.status = 'closed' and (old.timed or new.timed)) execute function forget_approvals();
