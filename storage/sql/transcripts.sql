-- name: user_of
-- Whose session it is.
select user_id from sessions where tenant_id = $1 and id = $2

-- name: lines_before
-- What was said before a place in a session, the last first, with how its delivery stands.
select m.id, m.seq, m.sender_type, m.sender_id, m.content, m.content_type, m.sealed, m.status, m.in_reply_to,
       m.created_at, o.status as delivery, o.possible_duplicate, case when m.has_files then files_of($1, m.id) end as files
from messages m
left join outbox o on o.tenant_id = m.tenant_id and o.id = m.id
where m.tenant_id = $1 and m.session_id = $2 and m.seq < $3
order by m.seq desc
limit $4

-- name: lines_after
-- What was said after a place in a session, in order, with how its delivery stands.
select m.id, m.seq, m.sender_type, m.sender_id, m.content, m.content_type, m.sealed, m.status, m.in_reply_to,
       m.created_at, o.status as delivery, o.possible_duplicate, case when m.has_files then files_of($1, m.id) end as files
from messages m
left join outbox o on o.tenant_id = m.tenant_id and o.id = m.id
where m.tenant_id = $1 and m.session_id = $2 and m.seq > $3
order by m.seq
limit $4
