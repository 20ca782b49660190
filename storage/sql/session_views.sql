-- name: open_page
-- Open sessions, those with the newest activity first. Few are open at a time, so they are sorted as they are read.
select s.id, s.last_active_at as at
from sessions s
where s.tenant_id = $1 and s.status <> 'closed' and ($2::text is null or s.status = $2)
  and ($3::text is null or s.platform = $3) and ($4::uuid is null or s.channel_id = $4)
  and ($5::text is null or s.owner = $5)
  and ($6::timestamptz is null or (s.last_active_at, s.id) < ($6, $7::uuid))
order by s.last_active_at desc, s.id desc
limit $8

-- name: handoff_page
-- Sessions in the hands of persons, those that have waited longest first.
select s.id, s.handed_over_at as at
from sessions s
where s.tenant_id = $1 and s.status = 'handoff' and ($2::text is null or s.status = $2)
  and ($3::text is null or s.platform = $3) and ($4::uuid is null or s.channel_id = $4)
  and ($5::text is null or s.owner = $5)
  and ($6::timestamptz is null or (s.handed_over_at, s.id) > ($6, $7::uuid))
order by s.handed_over_at, s.id
limit $8

-- name: closed_page
-- Sessions that have ended, the last one first.
select s.id, s.ended_at as at
from sessions s
where s.tenant_id = $1 and s.status = 'closed' and ($2::text is null or s.status = $2)
  and ($3::text is null or s.platform = $3) and ($4::uuid is null or s.channel_id = $4)
  and ($5::text is null or s.owner = $5)
  and ($6::timestamptz is null or (s.ended_at, s.id) < ($6, $7::uuid))
order by s.ended_at desc, s.id desc
limit $8

-- name: user_page
-- The sessions of one user, the one that began last first.
select s.id, s.started_at as at
from sessions s
where s.tenant_id = $1 and s.user_id = $9 and ($2::text is null or s.status = $2)
  and ($3::text is null or s.platform = $3) and ($4::uuid is null or s.channel_id = $4)
  and ($5::text is null or s.owner = $5)
  and ($6::timestamptz is null or (s.started_at, s.id) < ($6, $7::uuid))
order by s.started_at desc, s.id desc
limit $8

-- name: views
-- Sessions by id, with their users, channels and where they stand.
select s.id, s.status, s.platform, s.channel_id, c.external_account_id as account, s.thread_key, s.user_id,
       u.external_id, u.locale, u.profile, s.started_at, s.last_active_at, s.ended_at, s.end_reason, s.owner,
       s.handed_over_at, s.handoff_reason, s.resolved, s.last_seq, k.flow, k.flow_version, k.state_name
from unnest($2::uuid[]) wanted (id)
join sessions s on s.tenant_id = $1 and s.id = wanted.id
join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
join channels c on c.tenant_id = s.tenant_id and c.id = s.channel_id
left join conversation_state k on k.tenant_id = s.tenant_id and k.session_id = s.id

-- name: trouble
-- Deliveries of a session that failed or may have arrived twice, the last one first.
select o.message_id, o.status, o.possible_duplicate, o.error, coalesce(o.settled_at, o.created_at) as at
from outbox o
where o.tenant_id = $1 and o.session_id = $2 and (o.status = 'failed' or o.possible_duplicate)
order by o.position desc
limit $3

-- name: dead_letters
-- How many entries of a session could not be answered.
select count(*) as dead from inbox i where i.tenant_id = $1 and i.session_id = $2 and i.status = 'dead'
