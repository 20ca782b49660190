with session as (
    update sessions
    set last_seq = last_seq + 1, last_change = last_change + 1, last_position = last_position + 1,
        lease_token = lease_token + 1, last_active_at = now()
    where tenant_id = :tenant::uuid and id = ('00000000-0000-7000-8000-' || lpad(:number::text, 12, '0'))::uuid
    returning tenant_id, id, channel_id, user_id, last_seq, last_change, last_position,
              uuidv7() as message, uuidv7() as reply, uuidv7() as entry
), key as (
    insert into inbound_keys (tenant_id, channel_id, key, session_id, message_id, reply_id, accepted_at)
    select tenant_id, channel_id, :key::text, id, message, reply, now() from session
), said as (
    insert into messages (tenant_id, id, session_id, seq, change, created_change, sender_type, sender_id,
                          external_message_id, content, content_type, status, created_at)
    select tenant_id, message, id, last_seq, last_change, last_change, 'user', user_id::text,
           :key::text, :content::text, 'text', 'completed', now() from session
), placeholder as (
    insert into messages (tenant_id, id, session_id, sender_type, in_reply_to, content, status, created_at)
    select tenant_id, reply, id, 'bot', message, '', 'pending', now() from session
), queued as (
    insert into inbox (tenant_id, id, session_id, position, kind, message_id, reply_id, accepted_at,
                       lease_until, attempts)
    select tenant_id, entry, id, last_position, 'message', message, reply, now(), now() + interval '30 s', 1
    from session
)
select id as session, message, reply, entry from session
