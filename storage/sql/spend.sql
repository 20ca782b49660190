-- name: reserve
-- Adds the amount to each window that has room for it, and a reservation for each; fewer rows than asked: no room.
with asked as (
    select * from unnest($2::uuid[], $3::text[], $4::text[], $5::numeric[]) as a (id, scope, period, cap)
), taken as (
    insert into spend_windows as w (tenant_id, scope, period, reserved)
    select $1, asked.scope, asked.period, $6 from asked
    where asked.cap is null or $6 <= asked.cap
    -- Always in this order, so that no two callers wait for each other.
    order by asked.scope, asked.period
    on conflict (tenant_id, scope, period) do update set reserved = w.reserved + excluded.reserved
    where w.reserved + w.settled + excluded.reserved <= coalesce(
        (select asked.cap from asked where asked.scope = excluded.scope and asked.period = excluded.period),
        'infinity'
    )
    returning w.scope, w.period
)
insert into spend_reservations (tenant_id, id, scope, period, llm_call_id, amount, created_at, expires_at)
select $1, asked.id, taken.scope, taken.period, $7, $6, $8, $9
from taken join asked on asked.scope = taken.scope and asked.period = taken.period
returning id

-- name: settle
-- Turns a call's open reservations into what it cost; $3 is null where nobody knows, and the worst case counts.
with windows as (
    select w.scope, w.period from spend_windows w
    where w.tenant_id = $1 and exists (
        select from spend_reservations r
        where r.tenant_id = $1 and r.llm_call_id = $2 and r.settled_at is null
          and r.scope = w.scope and r.period = w.period
    )
    order by w.scope, w.period
    for update
), settled as (
    update spend_reservations r set settled_amount = coalesce($3, r.amount), settled_at = $4
    from windows
    where r.tenant_id = $1 and r.llm_call_id = $2 and r.settled_at is null
      and r.scope = windows.scope and r.period = windows.period
    returning r.scope, r.period, r.amount, r.settled_amount
), counted as (
    update spend_windows w
    set reserved = w.reserved - settled.amount, settled = w.settled + settled.settled_amount
    from settled
    where w.tenant_id = $1 and w.scope = settled.scope and w.period = settled.period
)
select count(*) from settled

-- name: expire
-- Settles at the worst case what a tenant reserved and nobody settled in time.
with windows as (
    select w.scope, w.period from spend_windows w
    where w.tenant_id = $1 and exists (
        select from spend_reservations r
        where r.tenant_id = $1 and r.expires_at <= $2 and r.settled_at is null
          and r.scope = w.scope and r.period = w.period
    )
    order by w.scope, w.period
    for update
), settled as (
    update spend_reservations r set settled_amount = r.amount, settled_at = $2
    from windows
    where r.tenant_id = $1 and r.expires_at <= $2 and r.settled_at is null
      and r.scope = windows.scope and r.period = windows.period
    returning r.scope, r.period, r.amount
), counted as (
    update spend_windows w set reserved = w.reserved - sums.amount, settled = w.settled + sums.amount
    from (select scope, period, sum(amount) as amount from settled group by scope, period) sums
    where w.tenant_id = $1 and w.scope = sums.scope and w.period = sums.period
)
select count(*) from settled

-- name: spent
-- What a window holds.
select reserved, settled from spend_windows where tenant_id = $1 and scope = $2 and period = $3
