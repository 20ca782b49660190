-- name: create_tenant
-- A new tenant, written in a transaction that has its id as the tenant.
insert into tenants (tenant_id, slug, name, settings, created_at)
values ($1, $2, $3, $4, $5)
returning tenant_id, slug, name, settings, created_at;

-- name: load_tenant
-- The transaction's tenant.
select tenant_id, slug, name, settings, created_at
from tenants
where tenant_id = $1;

-- name: change_settings
-- New values of some settings; those that are null go.
update tenants set settings = jsonb_strip_nulls(settings || $2)
where tenant_id = $1
returning tenant_id, slug, name, settings, created_at;

-- name: route_tenant
-- By slug, across tenants: for the dispatcher.
select tenant_id from tenants where slug = $1;

-- name: list_tenants
-- All tenants: for the dispatcher, who sees no settings.
select tenant_id, slug, name, created_at
from tenants
order by slug;
