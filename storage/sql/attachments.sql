-- name: add_attachment
-- The row of a file whose bytes are stored; none for a user who is not there or was erased.
insert into attachments
    (tenant_id, id, user_id, file_name, file_url, file_type, size_bytes, sha256, status, created_at)
select u.tenant_id, $2, u.id, $4, $5, $6, $7, $8, $9, $10
from users u
where u.tenant_id = $1 and u.id = $3 and u.deleted_at is null
returning id, user_id, message_id, file_name, file_url, file_type, size_bytes, sha256, status, created_at,
          sensitive

-- name: claim_attachments
-- Files become those of a message of their own user; those that it has already stay.
with claimed as (
    update attachments a
    set message_id = $3
    from messages m
    join sessions s on s.tenant_id = m.tenant_id and s.id = m.session_id
    where a.tenant_id = $1 and a.user_id = $2 and a.id = any($4::uuid[])
      and (a.message_id is null or a.message_id = $3)
      and m.tenant_id = a.tenant_id and m.id = $3 and s.user_id = a.user_id
    returning a.id
), told as (
    update messages set has_files = true
    where tenant_id = $1 and id = $3 and has_files is null and exists (select from claimed)
)
select id from claimed

-- name: load_attachment
-- A file, by id.
select id, user_id, message_id, file_name, file_url, file_type, size_bytes, sha256, status, created_at,
       sensitive
from attachments
where tenant_id = $1 and id = $2

-- name: of_message
-- The files of a message, in the order in which it names them.
select id, user_id, message_id, file_name, file_url, file_type, size_bytes, sha256, status, created_at,
       sensitive
from attachments
where tenant_id = $1 and message_id = $2
order by place, created_at, id

-- name: settle_attachment
-- What looking at a pending file came to.
update attachments set status = $3
where tenant_id = $1 and id = $2 and status = 'pending'
returning id

-- name: delete_attachment
-- A file goes; its object is deleted after the row.
delete from attachments
where tenant_id = $1 and id = $2
returning file_url

-- name: delete_unclaimed
-- Files that no message claimed go, the oldest first, some at a time; one that is being claimed just now is passed over.
delete from attachments
where tenant_id = $1 and id in (
    select id from attachments
    where tenant_id = $1 and message_id is null and created_at < $2
    order by created_at
    limit $3
    for update skip locked
)
returning file_url

-- name: count_unclaimed
-- How many files of a user no message has claimed.
select count(*) from attachments where tenant_id = $1 and user_id = $2 and message_id is null

-- name: known_keys
-- Which of these objects have a row.
select file_url
from attachments
where tenant_id = $1 and file_url = any($2::text[])
