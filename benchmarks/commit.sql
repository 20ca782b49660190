with state as (
    insert into conversation_state as c
        (tenant_id, session_id, flow, flow_version, state_name, data, version, updated_at)
    values (:tenant::uuid, :session::uuid, 'order', '1', 'cups#0', :data::jsonb, 1, now())
    on conflict (tenant_id, session_id) do update
    set flow = excluded.flow, flow_version = excluded.flow_version, state_name = excluded.state_name,
        data = excluded.data, version = c.version + 1, updated_at = excluded.updated_at
), session as (
    update sessions
    set last_seq = last_seq + 1, last_change = last_change + 1, done_position = last_position,
        last_active_at = now(), closes_at = now() + interval '30 min'
    where tenant_id = :tenant::uuid and id = :session::uuid
    returning last_seq, last_change
), answered as (
    update messages set answered_at = now() where tenant_id = :tenant::uuid and id = :message::uuid
), done as (
    delete from inbox where tenant_id = :tenant::uuid and id = :entry::uuid
)
update messages m
set seq = s.last_seq, change = s.last_change, created_change = s.last_change, sender_type = 'bot',
    content = :answer::text, content_type = 'text', status = 'completed', created_at = now()
from session s
where m.tenant_id = :tenant::uuid and m.id = :reply::uuid
