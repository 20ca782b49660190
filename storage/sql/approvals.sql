-- name: list_approvals
-- Approvals, the newest first: all, or those of one status. Whose time was up at $3 has expired.
select id, session_id, user_id, flow, action, shown, sealed, shown_hash, by_asker, by_operators,
       case when status = 'pending' and expires_at <= $3 then 'expired' else status end as status, decided_by, reason,
       sealed_reason, created_at, expires_at, decided_at, used_at
from approvals
where tenant_id = $1 and ($2::uuid is null or session_id = $2)
  and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
  and ($7::text is null or $7 = case when status = 'pending' and expires_at <= $3 then 'expired' else status end)
order by created_at desc, id desc
limit $6;

-- name: pending_approvals
-- Approvals that can still be decided, the newest first. Few are at a time, so they are sorted as they are read.
select id, session_id, user_id, flow, action, shown, sealed, shown_hash, by_asker, by_operators, status, decided_by,
       reason, sealed_reason, created_at, expires_at, decided_at, used_at
from approvals
where tenant_id = $1 and status = 'pending' and expires_at > $3 and ($2::uuid is null or session_id = $2)
  and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
order by created_at desc, id desc
limit $6;

-- name: load_approval
-- One approval. Whose time was up at $3 has expired.
select id, session_id, user_id, flow, action, shown, sealed, shown_hash, by_asker, by_operators,
       case when status = 'pending' and expires_at <= $3 then 'expired' else status end as status, decided_by, reason,
       sealed_reason, created_at, expires_at, decided_at, used_at
from approvals
where tenant_id = $1 and id = $2;
