-- name: tenant_keys
-- All keys of a tenant, the one to write with first: a new one waits until no process remembers less than it.
select id, generation, wrapped_key
from tenant_keys
where tenant_id = $1
order by generation = 1 or created_at <= now() - interval '2 minutes' desc, generation desc;

-- name: add_tenant_key
-- The next generation, unless it is there.
insert into tenant_keys (tenant_id, id, generation, wrapped_key)
values ($1, $2, $3, $4)
on conflict (tenant_id, generation) do nothing;

-- name: rewrap_tenant_key
-- The same key, wrapped by another root key.
update tenant_keys set wrapped_key = $3
where tenant_id = $1 and id = $2 and erased_at is null;
