-- name: following
-- The entry after one that is being worked on.
select i.id as entry_id, i.position, i.kind, m.content, i.payload, m.sealed as input_sealed, i.message_id, i.reply_id,
       i.accepted_at, i.attempts, case when m.has_files then files_of($1, m.id) end as files
from inbox i
left join messages m on m.tenant_id = $1 and m.id = i.message_id
where i.tenant_id = $1 and i.session_id = $2 and i.position > $3 and i.status = 'queued'
order by i.position
limit 1
