-- name: find_user
-- The user with a platform's id.
select id, deleted_at from users where tenant_id = $1 and platform = $2 and external_id = $3

-- name: add_user
-- A user seen for the first time.
insert into users (tenant_id, id, platform, external_id, locale, profile, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, platform, external_id) do nothing

-- name: find_open
-- The session that a user has open in a thread of a channel.
select id, status, started_at
from sessions
where tenant_id = $1 and channel_id = $2 and thread_key = $3 and user_id = $4 and status <> 'closed'

-- name: close_stale
-- A session that fell silent before its user came back, where nothing is queued.
update sessions
set status = 'closed', ended_at = $5, end_reason = case when parked then 'abandoned' else 'idle' end
where tenant_id = $1 and channel_id = $2 and thread_key = $3 and user_id = $4
  and status = 'active' and closes_at <= $5 and done_position = last_position

-- name: open
-- A new session, unless one is open.
insert into sessions (tenant_id, id, user_id, channel_id, platform, thread_key, started_at, last_active_at, closes_at,
                      idle)
values ($1, $2, $3, $4, $5, $6, $7::timestamptz, $7::timestamptz, $7::timestamptz + $8::interval, $8::interval)
on conflict (tenant_id, channel_id, thread_key, user_id) where status <> 'closed' do nothing

-- name: of_user
-- The sessions that a user has had on a channel, oldest first.
select id, status, started_at
from sessions
where tenant_id = $1 and user_id = $2 and channel_id = $3
order by started_at, id

-- name: raise_cancel
-- Stop: overtakes the queue; the turn under way ends with what it has said so far.
update sessions set cancel_seq = cancel_seq + 1
where tenant_id = $1 and channel_id = $2 and user_id = $3 and status <> 'closed'
returning id, cancel_seq

-- name: lock_silent
-- Sessions whose silence has lasted too long and that have nothing queued, locked as accepting locks them.
select id
from sessions
where tenant_id = $1 and status = 'active' and closes_at <= $2 and done_position = last_position
order by id
limit 500
for update skip locked

-- name: close
-- Ends sessions; a parked flow that nobody came back to was abandoned.
update sessions
set status = 'closed', ended_at = $3, end_reason = case when parked then 'abandoned' else 'idle' end
where tenant_id = $1 and id = any ($2::uuid[])
returning id, end_reason

-- name: forget_keys
-- Dedupe keys past the age at which any platform still repeats itself.
delete from inbound_keys where tenant_id = $1 and accepted_at < $2
