-- name: last_of_session
-- The newest messages of a session below a seq, newest first.
select id, session_id, seq, change, created_change, sender_type, content, content_type, sealed, status,
       in_reply_to, created_at, case when has_files then files_of($1, id) end as files
from messages
where tenant_id = $1 and session_id = $2 and seq < $3
order by seq desc
limit $4

-- name: changed_since
-- What appeared or changed in a session after a change number, in the order of the first number that the
-- reader lacks: a message that was altered since it appeared comes at its birth.
select id, session_id, seq, change, created_change, sender_type, content, content_type, sealed, status,
       in_reply_to, created_at, case when has_files then files_of($1, id) end as files
from messages
where tenant_id = $1 and session_id = $2 and change > $3
order by case when created_change > $3 then created_change else change end
limit $4

-- name: one
-- A message of one user, by id.
select m.id, m.session_id, m.seq, m.change, m.created_change, m.sender_type, m.content, m.content_type, m.sealed,
       m.status, m.in_reply_to, m.created_at, case when m.has_files then files_of($1, m.id) end as files
from messages m
join sessions s on s.tenant_id = m.tenant_id and s.id = m.session_id
where m.tenant_id = $1 and m.id = $2 and s.channel_id = $3 and s.user_id = $4

-- name: rate
-- What a person thinks of a bot's message; the last word counts.
insert into feedback (tenant_id, id, message_id, user_id, value, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, message_id, user_id) do update set value = excluded.value, created_at = excluded.created_at
