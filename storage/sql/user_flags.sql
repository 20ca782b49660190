-- name: of_user
-- All that is remembered of a user and of those who are one person with them, the newest first.
select name, value, sealed, user_id
from user_flags
where tenant_id = $1 and user_id = any (array(select linked_users($1, $2)))
order by updated_at desc, user_id = $2 desc;
