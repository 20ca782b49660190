-- name: list_approvals
-- The newest approvals; only those that can still be decided where $2 is true.
select id, session_id, user_id, flow, action, shown, sealed, shown_hash, by_asker, by_operators, status, decided_by,
       reason, sealed_reason, created_at, expires_at, decided_at, used_at
from approvals
where tenant_id = $1 and (not $2 or (status = 'pending' and expires_at > $3))
order by created_at desc, id desc
limit $4;

-- name: load_approval
-- One approval.
select id, session_id, user_id, flow, action, shown, sealed, shown_hash, by_asker, by_operators, status, decided_by,
       reason, sealed_reason, created_at, expires_at, decided_at, used_at
from approvals
where tenant_id = $1 and id = $2;
