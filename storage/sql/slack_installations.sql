-- name: own_channel
-- The tenant's channel of a Slack account, held until the installation is saved.
select id
from channels
where tenant_id = $1 and platform = 'slack' and external_account_id = $2
for update;

-- name: hold_channel
-- The account of a channel, held: whoever changes both takes the channel first.
select external_account_id
from channels
where tenant_id = $1 and id = $2 and platform = 'slack'
for update;

-- name: own_installation
-- The installation of a channel, of which there is one at most.
select id
from slack_installations
where tenant_id = $1 and channel_id = $2
for update;

-- name: save
-- A first or a repeated installation; what was revoked is good again.
insert into slack_installations (
    tenant_id, id, channel_id, app_id, enterprise_id, team_id, team_name, bot_user_id, bot_id, scopes, credentials,
    token_expires_at, refresh_at, installed_by, installed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (tenant_id, channel_id) do update
set enterprise_id = excluded.enterprise_id, team_name = excluded.team_name, bot_user_id = excluded.bot_user_id,
    bot_id = excluded.bot_id, scopes = excluded.scopes, credentials = excluded.credentials,
    token_version = slack_installations.token_version + 1, token_expires_at = excluded.token_expires_at,
    refresh_at = excluded.refresh_at, refresh_failures = 0, refresh_error = null,
    installed_by = excluded.installed_by, installed_at = excluded.installed_at, revoked_at = null;

-- name: of_channel
-- What a channel's Slack account granted.
select id, channel_id, app_id, enterprise_id, team_id, team_name, bot_user_id, bot_id, scopes, credentials,
       token_version, token_expires_at, refresh_at, refresh_error, installed_by, installed_at, revoked_at
from slack_installations
where tenant_id = $1 and channel_id = $2;

-- name: list_all
-- All installations of the tenant, also revoked ones.
select id, channel_id, app_id, enterprise_id, team_id, team_name, bot_user_id, bot_id, scopes, credentials,
       token_version, token_expires_at, refresh_at, refresh_error, installed_by, installed_at, revoked_at
from slack_installations
where tenant_id = $1
order by installed_at, id;

-- name: revoke
-- Forgets the tokens, unless the app was installed again since the moment that is given.
update slack_installations
set credentials = null, token_version = token_version + 1, token_expires_at = null, refresh_at = null,
    refresh_failures = 0, refresh_error = null, revoked_at = $3
where tenant_id = $1 and channel_id = $2 and revoked_at is null and installed_at <= coalesce($4, installed_at)
returning id;

-- name: claim_refresh
-- Takes the tokens to refresh now; each is due again after a pause, which grows with its failures.
update slack_installations
set refresh_at = $2 + least(interval '1 minute' * power(2, least(refresh_failures, 10)), interval '30 minutes')
where tenant_id = $1 and refresh_at <= $2
returning id, channel_id, app_id, enterprise_id, team_id, team_name, bot_user_id, bot_id, scopes, credentials,
          token_version, token_expires_at, refresh_at, refresh_error, installed_by, installed_at, revoked_at;

-- name: replace_tokens
-- The tokens that a refresh gave, if those that it began with are still the newest.
update slack_installations
set credentials = $4, token_version = token_version + 1, token_expires_at = $5, refresh_at = $6,
    refresh_failures = 0, refresh_error = null
where tenant_id = $1 and id = $2 and token_version = $3 and revoked_at is null
returning channel_id;

-- name: note_failure
-- A refresh that failed, if its tokens are still the newest; after a final one there is no next.
update slack_installations
set refresh_failures = refresh_failures + 1, refresh_error = $4,
    refresh_at = case when $5::boolean then null else refresh_at end
where tenant_id = $1 and id = $2 and token_version = $3 and revoked_at is null
returning channel_id;
