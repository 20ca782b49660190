-- Copies the sessions of the visitors `form-…`, with their users, messages and states, until there are as many as the
-- setting `bench.sessions` says. Dedupe keys, which only a repeat of an old message would look for, are not copied.
create temporary table plan as
select n, t.session_id as of_session, t.user_id as of_user, uuidv7() as session_id, uuidv7() as user_id
from (
    select s.id as session_id, s.user_id, row_number() over (order by u.external_id) - 1 as kind, count(*) over () as kinds
    from sessions s join users u on u.tenant_id = s.tenant_id and u.id = s.user_id
    where u.external_id like 'form-%'
) t
join generate_series(0, current_setting('bench.sessions')::int - 1) n on n % t.kinds = t.kind;

insert into users
select r.* from plan p join users u on u.id = p.of_user,
lateral jsonb_populate_record(u, jsonb_build_object('id', p.user_id, 'external_id', 'parked-' || p.n)) r;

insert into sessions
select r.* from plan p join sessions s on s.id = p.of_session,
lateral jsonb_populate_record(s, jsonb_build_object('id', p.session_id, 'user_id', p.user_id)) r;

insert into messages
select r.* from plan p join messages m on m.session_id = p.of_session,
lateral jsonb_populate_record(m, jsonb_build_object('id', uuidv7(), 'session_id', p.session_id)) r;

insert into conversation_state
select r.* from plan p join conversation_state c on c.session_id = p.of_session,
lateral jsonb_populate_record(c, jsonb_build_object('session_id', p.session_id)) r;
