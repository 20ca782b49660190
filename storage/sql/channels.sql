-- name: create_channel
-- A new connection of the tenant to a platform.
insert into channels (tenant_id, id, platform, external_account_id, credentials, settings, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $7);

-- name: route_channel
-- Whose account it is, across tenants: for the dispatcher.
select tenant_id, id
from channels
where platform = $1 and external_account_id = $2;

-- name: route_platform
-- The channels of a platform, across tenants: for the dispatcher.
select tenant_id, id
from channels
where platform = $1
order by tenant_id, id;

-- name: load_channel
-- A channel with all that its adapter needs.
select c.id, c.platform, c.external_account_id, c.credentials, c.settings, t.slug as tenant_slug,
       c.created_at, c.updated_at, c.disabled_at
from channels c
join tenants t on t.tenant_id = c.tenant_id
where c.tenant_id = $1 and c.id = $2;

-- name: list_channels
-- All channels of the tenant, also disabled ones.
select c.id, c.platform, c.external_account_id, c.credentials, c.settings, t.slug as tenant_slug,
       c.created_at, c.updated_at, c.disabled_at
from channels c
join tenants t on t.tenant_id = c.tenant_id
where c.tenant_id = $1
order by c.platform, c.external_account_id;

-- name: update_channel
-- Changes what is given; settings are merged, and one that becomes null goes.
update channels
set credentials = coalesce($3, credentials),
    settings = jsonb_strip_nulls(settings || coalesce($4::jsonb, '{}')),
    disabled_at = case when $5::boolean is null then disabled_at
                       when $5 then coalesce(disabled_at, $6) end,
    updated_at = $6
where tenant_id = $1 and id = $2;
