-- name: of_user
-- All that is remembered of a user.
select name, value, sealed
from user_flags
where tenant_id = $1 and user_id = $2;
