-- name: begin
-- Written before the model is called.
insert into llm_calls
    (tenant_id, id, session_id, message_id, purpose, provider, model, request_payload, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: settle
-- How the call ended; the first one to say so stays.
update llm_calls
set prompt_tokens = $3, completion_tokens = $4, cost_usd = $5, latency_ms = $6, response_payload = $7,
    error = $8, settled_at = $9
where tenant_id = $1 and id = $2 and settled_at is null
returning id
