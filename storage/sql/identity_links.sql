-- name: linked
-- The users who are one person with a user, the given one among them.
select linked_users($1, $2) as user_id;

-- name: selves
-- Users as a person would know them again, with how much is remembered of them.
select u.id, u.platform, u.external_id, u.profile,
       (select count(*) from user_flags f where f.tenant_id = $1 and f.user_id = u.id) as remembered
from users u
where u.tenant_id = $1 and u.id = any ($2::uuid[]) and u.deleted_at is null
order by u.created_at, u.id;

-- name: known
-- The user whom a platform knows by an address.
select id from users where tenant_id = $1 and platform = $2 and external_id = $3 and deleted_at is null;

-- name: parked
-- The idle open sessions of a person's other users in which a flow is parked, the latest first.
select s.id as session_id, s.user_id, s.channel_id, s.platform, u.external_id, s.thread_key, u.locale, u.profile,
       c.version as state_version, c.flow, c.flow_version, c.state_name, c.data, c.sealed as state_sealed,
       c.updated_at
from users u
join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
join conversation_state c on c.tenant_id = s.tenant_id and c.session_id = s.id
where u.tenant_id = $1 and u.id = any (array(select linked_users($1, $2))) and u.id <> $2
  and s.status = 'active' and s.parked and s.closes_at > $3 and s.done_position = s.last_position
order by c.updated_at desc, s.id
limit 20;

-- name: standing
-- What a user has parked in open sessions, the latest first.
select s.id as session_id, s.user_id, s.channel_id, s.platform, u.external_id, s.thread_key, u.locale, u.profile,
       c.version as state_version, c.flow, c.flow_version, c.state_name, c.data, c.sealed as state_sealed,
       c.updated_at
from users u
join sessions s on s.tenant_id = u.tenant_id and s.user_id = u.id
join conversation_state c on c.tenant_id = s.tenant_id and c.session_id = s.id
where u.tenant_id = $1 and u.id = $2 and s.status <> 'closed' and s.parked
order by c.updated_at desc, s.id
limit 20;
