-- name: create_operator
-- A new operator, or a new token for one whose token was revoked or has expired; nothing where one is good.
insert into operators (tenant_id, id, name, role, token_digest, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, name) do update
set role = excluded.role, token_digest = excluded.token_digest, created_at = excluded.created_at,
    expires_at = excluded.expires_at, last_used_at = null, revoked_at = null
where operators.revoked_at is not null or operators.expires_at <= excluded.created_at
returning id, name, role, created_at, expires_at, last_used_at, revoked_at;

-- name: list_operators
-- All operators of the tenant, also those who may not come in any more.
select id, name, role, created_at, expires_at, last_used_at, revoked_at
from operators
where tenant_id = $1
order by name;

-- name: load_operator
-- One operator by name.
select id, name, role, created_at, expires_at, last_used_at, revoked_at
from operators
where tenant_id = $1 and name = $2;

-- name: revoke_operator
-- From now on the token opens nothing; the first time counts.
update operators set revoked_at = coalesce(revoked_at, $3)
where tenant_id = $1 and name = $2
returning id, name, role, created_at, expires_at, last_used_at, revoked_at;
