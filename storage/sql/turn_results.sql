-- name: of_session
-- All results of a session in the order of its turns.
select position, message_id, created_at, flow, run, path, kind, name, digest, status, value, sealed, ordinal
from turn_results
where tenant_id = $1 and session_id = $2
order by position, ordinal
