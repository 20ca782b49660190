-- Keys are numbered: a new generation writes once every process has had the time to read it, the older ones go on
-- reading. The runtime deletes no row: erasing takes the key away and leaves the row, so that a key once erased is
-- not made anew.
create table tenant_keys (
    tenant_id uuid not null references tenants (tenant_id),
    id uuid not null,
    generation integer not null default 1 check (generation > 0),
    wrapped_key bytea,
    created_at timestamptz not null default now(),
    erased_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, generation),
    check ((wrapped_key is null) = (erased_at is not null))
);
select protect('tenant_keys', 'select, insert, update');

create table user_keys (
    tenant_id uuid not null,
    id uuid not null,
    user_id uuid not null,
    generation integer not null default 1 check (generation > 0),
    wrapped_key bytea,
    created_at timestamptz not null default now(),
    erased_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, user_id, generation),
    foreign key (tenant_id, user_id) references users (tenant_id, id) on delete cascade,
    check ((wrapped_key is null) = (erased_at is not null))
);
select protect('user_keys', 'select, insert, update');

create function keep_erased() returns trigger language plpgsql as $$
begin
    raise exception 'key % was erased and stays erased', old.id using errcode = 'check_violation';
end $$;

create trigger keep_erased before update on tenant_keys
for each row when (old.erased_at is not null and new.erased_at is null) execute function keep_erased();
create trigger keep_erased before update on user_keys
for each row when (old.erased_at is not null and new.erased_at is null) execute function keep_erased();
