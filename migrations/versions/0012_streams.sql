-- A reply that is shown while it is written, on a platform where that is a message which stays: its rows are there
-- before the platform is called. Nobody claims an `open` delivery; the commit queues it (`commit_turn`), with the text
-- that the message has come to, or with none where it came to nothing.

-- Which session has a message open; nearly none has.
create index outbox_open on outbox (tenant_id, session_id) where status = 'open';

-- Says that a message is about to be opened for a reply, fenced like the commit. `p_known` is what the caller knows the
-- reply's messages as, null for none yet.
--   begun    it is on record that the platform is called now: attempt 0, until `streams.name` or `streams.refused` ends it
--   named    an earlier attempt opened `external_id`, which the caller is to go on with
--   unknown  somebody called the platform and nobody knows what came of it: open no other
--   behind   earlier replies are on their way still, and this one would stand above them
--   lost     the lease is another's, or the reply is said already
create function open_stream(
    p_tenant uuid, p_session uuid, p_token bigint, p_entry uuid, p_in_reply_to uuid, p_message uuid, p_known text,
    p_address text, p_now timestamptz
) returns table (outcome text, external_id text) language plpgsql as $$
#variable_conflict use_column
declare
    v_session sessions;
    v_open outbox;
begin
    perform set_config('parley.tenant_id', p_tenant::text, true);
    outcome := 'lost';
    select * into v_session from sessions
    where tenant_id = p_tenant and id = p_session and lease_token = p_token for update;
    if not found or not exists (select from inbox where tenant_id = p_tenant and id = p_entry and status = 'queued') then
        return next;
        return;
    end if;
    if exists (select from outbox where tenant_id = p_tenant and session_id = p_session and status = 'queued') then
        outcome := 'behind';
        return next;
        return;
    end if;
    -- The turn's first reply has its row from the beginning.
    insert into messages (tenant_id, id, session_id, sender_type, in_reply_to, content, status, created_at)
    values (p_tenant, p_message, p_session, 'bot', p_in_reply_to, '', 'pending', p_now)
    on conflict (tenant_id, id) do nothing;
    insert into outbox (tenant_id, id, session_id, channel_id, message_id, position, address, status, created_at)
    values (p_tenant, p_message, p_session, v_session.channel_id, p_message, v_session.last_seq + 1, p_address, 'open',
            p_now)
    on conflict (tenant_id, id) do nothing;
    select * into v_open from outbox
    where tenant_id = p_tenant and id = p_message and session_id = p_session and status = 'open';
    if not found then
        return next;
        return;
    end if;
    external_id := v_open.external_message_id;
    if exists (select from delivery_attempts
               where tenant_id = p_tenant and delivery_id = p_message and attempt = 0 and ended_at is null) then
        outcome := 'unknown';
    elsif external_id is distinct from p_known then
        outcome := 'named';
    else
        outcome := 'begun';
        insert into delivery_attempts (tenant_id, delivery_id, attempt) values (p_tenant, p_message, 0)
        on conflict (tenant_id, delivery_id, attempt) do update set started_at = now(), ended_at = null, outcome = null;
    end if;
    return next;
end $$;
