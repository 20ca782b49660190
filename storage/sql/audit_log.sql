-- name: append
-- Who did, or read, what.
insert into audit_log (tenant_id, id, actor_kind, actor_id, action, object_kind, object_id, session_id, detail,
                       created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
