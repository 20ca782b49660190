-- name: waiting
-- How many open sessions wait at each ask of each flow.
select c.flow, c.state_name, count(*) as sessions
from conversation_state c
join sessions s on s.tenant_id = c.tenant_id and s.id = c.session_id
where c.tenant_id = $1 and s.status <> 'closed' and c.flow is not null and c.state_name is not null
group by c.flow, c.state_name
order by c.flow, c.state_name

-- name: live
-- The open sessions in which a flow is under way, with their states, by id after the one given.
select s.id as session_id, s.user_id, s.channel_id, s.platform, u.external_id, s.thread_key, u.locale, u.profile,
       c.version as state_version, c.flow, c.flow_version, c.state_name, c.data, c.sealed as state_sealed
from conversation_state c
join sessions s on s.tenant_id = c.tenant_id and s.id = c.session_id
join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
where c.tenant_id = $1 and s.status <> 'closed' and c.flow is not null and s.id > $2
order by s.id
limit $3

-- name: of_session
-- One session with its state, whether or not it is open.
select s.id as session_id, s.user_id, s.channel_id, s.platform, u.external_id, s.thread_key, u.locale, u.profile,
       c.version as state_version, c.flow, c.flow_version, c.state_name, c.data, c.sealed as state_sealed
from sessions s
join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
left join conversation_state c on c.tenant_id = s.tenant_id and c.session_id = s.id
where s.tenant_id = $1 and s.id = $2

-- name: said
-- All that was said in a session, in order; what is sealed stays so.
select m.id, m.session_id, s.user_id, m.seq, m.change, m.created_change, m.sender_type, m.content, m.content_type,
       m.sealed is not null as is_sealed, m.status, m.in_reply_to, m.created_at,
       case when m.has_files then files_of($1, m.id) end as files
from messages m
join sessions s on s.tenant_id = m.tenant_id and s.id = m.session_id
where m.tenant_id = $1 and m.session_id = $2 and m.seq is not null
order by m.seq
