"""The demo tenant: what `parley run` serves before anybody has set anything up."""

from __future__ import annotations

import structlog

from adapters.errors import PlatformFailed
from bot.errors import Failed
from bot.runtime import Runtime
from bot.slack.connecting import GivenTokens, refused_token
from config.errors import ConfigError
from config.settings import Settings
from storage.errors import Conflict, NotFound

log = structlog.get_logger("parley.demo")

SLUG = "demo"
SITE = "demo"
CONSOLE = "demo-console"


async def ensure_demo(runtime: Runtime) -> None:
    """Make the demo tenant with its web site and console, unless they are there. Raises StorageError."""
    try:
        tenant = await runtime.tenants.find(SLUG)
    except NotFound:
        tenant = await runtime.tenants.create(SLUG, runtime.bots.config(SLUG).name)
    if await runtime.channels.find("web", SITE) is None:
        await runtime.channels.create(tenant.id, "web", SITE)
    if await runtime.channels.find("terminal", CONSOLE) is None:
        await runtime.channels.create(tenant.id, "terminal", CONSOLE)
    await runtime.bots.of(tenant.id)


async def ensure_slack(runtime: Runtime, settings: Settings) -> str | None:
    """Connect the demo tenant to the workspace of SLACK_BOT_TOKEN, as `channel add slack` does; again is no harm.

    Returns a line for who started it, None where there is nothing of Slack in the environment. A token that Slack
    refuses raises Failed: it is as wrong as any other variable, and nothing would say so later. Where Slack cannot
    be reached, the rest goes on, and so does what was connected before.
    """
    tenant = await runtime.tenants.find(SLUG)
    if settings.slack_bot_token is None:
        if settings.slack_client_id is None:
            return None
        link, end = runtime.slack.links.url(settings.public_url, tenant.id)
        return f"Slack: install the app through {link} (until {end:%H:%M} UTC tomorrow)"
    if settings.slack_signing_secret is None and settings.slack_app_token is None:
        raise ConfigError(
            "SLACK_SIGNING_SECRET or SLACK_APP_TOKEN is not set: with SLACK_BOT_TOKEN alone nothing comes in from Slack"
        )
    given = GivenTokens(settings.slack_bot_token)
    try:
        made = await runtime.slack.connector.connect(tenant.id, given, also_of=settings.slack_app_token)
    except PlatformFailed as failed:
        if failed.permanent:
            raise Failed(f"SLACK_BOT_TOKEN is refused: {refused_token(failed)}") from None
        log.warning("slack_not_reached", error=str(failed))
        return (
            f"Slack cannot be reached ({failed.code}): what was connected before goes on; start again later"
        )
    except Conflict as error:
        raise Failed(
            f"SLACK_BOT_TOKEN is of a workspace that another tenant has ({error}): take another one, or leave it out"
        ) from None
    return f"Slack: connected to {made.team_name or made.account}"
