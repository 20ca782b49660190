-- name: user_keys
-- All keys of a user, the one to write with first: a new one waits until no process remembers less than it.
select id, generation, wrapped_key
from user_keys
where tenant_id = $1 and user_id = $2
order by generation = 1 or created_at <= now() - interval '2 minutes' desc, generation desc;

-- name: add_user_key
-- The next generation, unless it is there (an erased first key is, so none is made after it).
insert into user_keys (tenant_id, id, user_id, generation, wrapped_key)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, user_id, generation) do nothing;

-- name: wrapped_user_keys
-- The keys of all users of a tenant, to be wrapped anew.
select id, user_id, wrapped_key
from user_keys
where tenant_id = $1 and erased_at is null
order by id
for update;

-- name: rewrap_user_key
-- The same key, wrapped by another key of the tenant.
update user_keys set wrapped_key = $3
where tenant_id = $1 and id = $2 and erased_at is null;

-- name: erase_user_keys
-- Takes the keys away for good.
update user_keys set wrapped_key = null, erased_at = now()
where tenant_id = $1 and user_id = $2 and erased_at is null;

-- name: bar_user_key
-- A user who never had a key gets an erased one, so that none is made later.
insert into user_keys (tenant_id, id, user_id, generation, erased_at)
values ($1, $2, $3, 1, now())
on conflict (tenant_id, user_id, generation) do nothing;

-- name: hold_user
-- Keeps the user from being erased while a key is added.
select id from users where tenant_id = $1 and id = $2 for key share;

-- name: lock_user
-- Waits for keys that are being added, so that erasing finds them.
select id from users where tenant_id = $1 and id = $2 for update;
