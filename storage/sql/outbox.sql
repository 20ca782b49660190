-- name: claim
-- The first delivery of a session's lane, if it is due and nobody is sending it.
with head as (
    select o.tenant_id, o.id
    from outbox o
    where o.tenant_id = $1 and o.session_id = $2 and o.status = 'queued'
    order by o.position, o.id
    limit 1
    for update
)
update outbox o
set lease_token = o.lease_token + 1, lease_until = now() + $3::interval, attempts = o.attempts + 1
from head
where o.tenant_id = head.tenant_id and o.id = head.id and o.due_at <= now()
  and (o.lease_until is null or o.lease_until <= now())
returning o.id, o.channel_id, o.message_id, o.address, o.sealed, o.attempts, o.lease_token, o.possible_duplicate,
          o.created_at, o.external_message_id

-- name: content
-- What a delivery carries and where it goes; `came_to_nothing`: nothing is said, and what was shown of it is to go.
select s.user_id, s.thread_key, m.content, m.content_type, m.sealed,
       m.id is not null and m.seq is null as came_to_nothing
from sessions s
left join messages m on m.tenant_id = s.tenant_id and m.id = $3
where s.tenant_id = $1 and s.id = $2

-- name: begin_attempt
-- Written before the platform is called; says whether an earlier attempt never learned its answer, or went in part,
-- and how many of them failed; and whether a message was being opened to show the reply in (attempt 0, see streams.sql).
with earlier as (
    select count(*) filter (where ended_at is null or outcome = 'partly') as open,
           count(*) filter (where ended_at is null and attempt = 0) as opening,
           count(*) filter (where attempt > 0 and (ended_at is null or outcome not in ('waited', 'partly'))) as failures
    from delivery_attempts
    where tenant_id = $1 and delivery_id = $2
), begun as (
    insert into delivery_attempts (tenant_id, delivery_id, attempt) values ($1, $2, $3)
)
select open > 0 as answer_lost, opening > 0 as opening, failures from earlier

-- name: end_attempt
-- How one try went.
update delivery_attempts set ended_at = now(), outcome = $4, error = $5
where tenant_id = $1 and delivery_id = $2 and attempt = $3 and ended_at is null

-- name: label
-- The platform may have it twice: an answer was lost and cannot be looked up.
update outbox set possible_duplicate = true where tenant_id = $1 and id = $2 and lease_token = $3

-- name: settle_sent
-- The platform has them: the ends of many deliveries of a tenant, each fenced by its lease; messages learn their ids.
with given as (
    select * from unnest($2::uuid[], $3::bigint[], $4::text[], $5::integer[], $6::text[])
        as g (id, token, external_id, attempt, outcome)
), settled as (
    update outbox o
    set status = 'sent', external_message_id = g.external_id, error = null, settled_at = now(), lease_until = null
    from given g
    where o.tenant_id = $1 and o.id = g.id and o.lease_token = g.token and o.status = 'queued'
    returning o.id, o.message_id, o.external_message_id
), named as (
    update messages m set external_message_id = s.external_message_id
    from settled s
    where m.tenant_id = $1 and m.id = s.message_id and s.external_message_id is not null
), ended as (
    update delivery_attempts d set ended_at = now(), outcome = g.outcome
    from given g
    where d.tenant_id = $1 and d.delivery_id = g.id and d.attempt = g.attempt and d.ended_at is null
)
select id from settled

-- name: settle_retracted
-- Nothing of it is shown any more: the end of a delivery, fenced by its lease.
with settled as (
    update outbox
    set status = 'retracted', error = null, settled_at = now(), lease_until = null
    where tenant_id = $1 and id = $2 and lease_token = $3 and status = 'queued'
    returning id
)
update delivery_attempts d set ended_at = now(), outcome = 'sent'
from settled
where d.tenant_id = $1 and d.delivery_id = settled.id and d.attempt = $4 and d.ended_at is null

-- name: fail
-- The platform will never take it: the end of a delivery, fenced by its lease.
with settled as (
    update outbox
    set status = 'failed', error = $4, settled_at = now(), lease_until = null
    where tenant_id = $1 and id = $2 and lease_token = $3 and status = 'queued'
    returning id
)
select count(*) as settled from settled

-- name: postpone
-- A temporary failure: the lane waits, first in line.
update outbox set lease_until = null, due_at = now() + $4::interval, error = $5
where tenant_id = $1 and id = $2 and lease_token = $3 and status = 'queued'

-- name: waiting
-- How many deliveries of a session's lane are not settled.
select count(*) from outbox where tenant_id = $1 and session_id = $2 and status = 'queued'
