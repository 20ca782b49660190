-- name: is_engaged
-- Whether the bot talks with anybody in a thread, or once did with this user.
select exists (select from sessions s
               where s.tenant_id = $1 and s.channel_id = $2 and s.thread_key = $3 and s.status <> 'closed')
    or exists (select from users u
               join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
               where u.tenant_id = $1 and u.platform = 'slack' and u.external_id = $4
                 and s.channel_id = $2 and s.thread_key = $3) as engaged;

-- name: has_open
-- Whether a user has a session open in a thread.
select exists (select from users u
               join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
               where u.tenant_id = $1 and u.platform = 'slack' and u.external_id = $4
                 and s.channel_id = $2 and s.thread_key = $3 and s.status <> 'closed') as open;

-- name: shown
-- The bot's message of which Slack's is a part, where it was said and to whom.
select m.id, m.content, m.sealed, s.user_id, s.thread_key, u.external_id
from delivered_parts p
join outbox o on o.tenant_id = p.tenant_id and o.id = p.delivery_id
join messages m on m.tenant_id = o.tenant_id and m.id = o.message_id
join sessions s on s.tenant_id = o.tenant_id and s.id = o.session_id
join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
where p.tenant_id = $1 and p.channel_id = $2 and p.external_id = $4
  and split_part(s.thread_key, ':', 1) = $3;

-- name: said_under_key
-- A person's message, by the key that it was accepted under.
select m.id, m.session_id, m.content, m.sealed, m.raw_payload, s.user_id, s.seals_input
from inbound_keys k
join messages m on m.tenant_id = k.tenant_id and m.id = k.message_id
join sessions s on s.tenant_id = m.tenant_id and s.id = m.session_id
where k.tenant_id = $1 and k.channel_id = $2 and k.key = $3 and m.sender_type = 'user';

-- name: said_in_thread
-- A person's message whose key was forgotten: by Slack's name for it, in their own sessions of its thread.
select m.id, m.session_id, m.content, m.sealed, m.raw_payload, s.user_id, s.seals_input
from users u
join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
join messages m on m.tenant_id = s.tenant_id and m.session_id = s.id
where u.tenant_id = $1 and u.platform = 'slack' and u.external_id = $3 and s.channel_id = $2 and s.thread_key = $4
  and m.seq is not null and m.external_message_id = $5 and m.sender_type = 'user'
limit 1;

-- name: lock_session
-- A session, as all who write to it lock it.
select last_change, seals_input from sessions where tenant_id = $1 and id = $2 for update;

-- name: read_again
-- A message that is about to be rewritten, as it is now that its session is locked.
select content, sealed, raw_payload from messages where tenant_id = $1 and id = $2;

-- name: rewrite
-- A message says something else from now on: a visible change of its session.
with changed as (
    update sessions set last_change = last_change + 1
    where tenant_id = $1 and id = $2
    returning last_change
)
update messages m
set content = $4, sealed = $5, raw_payload = $6, change = changed.last_change
from changed
where m.tenant_id = $1 and m.id = $3;

-- name: withdraw
-- What a message's entry carried goes with it, and whoever takes the entry sees that there is nothing to answer.
update inbox set payload = $3 where tenant_id = $1 and message_id = $2 and status = 'queued';

-- name: drop_entry_payload
-- What a message's entry carried, which was given up, goes with it.
update inbox set payload = null where tenant_id = $1 and message_id = $2 and status = 'dead';

-- name: raise_cancel
-- Stop, in these threads: overtakes the queue; the turn under way ends with what it has said so far.
update sessions s set cancel_seq = s.cancel_seq + 1
from users u
where u.tenant_id = $1 and u.platform = 'slack' and u.external_id = $4
  and s.tenant_id = u.tenant_id and s.user_id = u.id and s.channel_id = $2 and s.thread_key = any ($3::text[])
  and s.status <> 'closed'
returning s.id;

-- name: know_user
-- What the platform says of a user who is known, where it is news.
update users set locale = coalesce($3, locale), profile = profile || $4::jsonb
where tenant_id = $1 and platform = 'slack' and external_id = $2 and deleted_at is null
  and (locale is distinct from coalesce($3, locale) or not profile @> $4::jsonb);
