-- name: name
-- What the platform calls a reply's messages, now that another is open. Not fenced: it is so, whoever has the lease.
with named as (
    update outbox set external_message_id = $4
    where tenant_id = $1 and id = $2 and status in ('open', 'queued') and external_message_id is not distinct from $3
    returning id
)
update delivery_attempts d set ended_at = now(), outcome = 'opened'
from named
where d.tenant_id = $1 and d.delivery_id = named.id and d.attempt = 0 and d.ended_at is null

-- name: refused
-- Nothing was opened, for certain.
delete from delivery_attempts where tenant_id = $1 and delivery_id = $2 and attempt = 0 and ended_at is null
