-- name: due_turns
-- Sessions whose first entry is due and held by nobody, across tenants, queue columns only.
select i.tenant_id, i.session_id
from inbox i
where i.status = 'queued' and i.due_at <= now() and (i.lease_until is null or i.lease_until <= now())
  and not exists (select from inbox e
                  where e.tenant_id = i.tenant_id and e.session_id = i.session_id and e.status = 'queued'
                    and e.position < i.position)
order by i.due_at
limit $1

-- name: due_deliveries
-- Sessions whose first delivery is due and held by nobody, across tenants, queue columns only.
select o.tenant_id, o.session_id
from outbox o
where o.status = 'queued' and o.due_at <= now() and (o.lease_until is null or o.lease_until <= now())
  and not exists (select from outbox e
                  where e.tenant_id = o.tenant_id and e.session_id = o.session_id and e.status = 'queued'
                    and e.position < o.position)
order by o.due_at
limit $1

-- name: due_timers
-- Sessions with a timer whose time has come, across tenants, the longest due first, queue columns only.
select t.tenant_id, t.session_id
from timers t
where t.fired_at is null and t.due_at <= $1
group by t.tenant_id, t.session_id
order by min(t.due_at)
limit $2

-- name: depth
-- How much waits and for how long, across tenants, queue columns only.
select i.turns, i.oldest_turn_s, d.dead, o.deliveries, o.oldest_delivery_s
from (select count(*) as turns,
             coalesce(greatest(extract(epoch from now() - min(due_at)), 0), 0)::float8 as oldest_turn_s
      from inbox where status = 'queued') i,
     (select count(*) as dead from inbox where status = 'dead') d,
     (select count(*) as deliveries,
             coalesce(greatest(extract(epoch from now() - min(due_at)), 0), 0)::float8 as oldest_delivery_s
      from outbox where status = 'queued') o
