"""What a process has of Slack, built once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from adapters.slack.install import STATE_LIFE_S, InstallDoor
from adapters.slack.install_links import InstallLinks
from bot.slack.access import SlackAccess
from bot.slack.connecting import SlackConnector
from bot.slack.rotation import SlackRotation
from storage.channels import Channels
from storage.clock import Clock
from storage.database import Database
from storage.installations import Installations
from storage.keys import Vault
from storage.secret_key import Secrets
from storage.slack_accounts import SlackAccounts
from storage.tickets import Tickets
from storage.token_refreshes import TokenRefreshes


@dataclass(frozen=True, slots=True)
class SlackParts:
    """The built parts that commands, the server and the clock use."""

    access: SlackAccess
    installations: Installations
    accounts: SlackAccounts
    connector: SlackConnector
    rotation: SlackRotation
    links: InstallLinks
    install_door: InstallDoor


def build_slack(
    access: SlackAccess,
    database: Database,
    vault: Vault,
    channels: Channels,
    redis: Redis,
    secrets: Secrets,
    clock: Clock,
) -> SlackParts:
    """Build the parts; nothing is asked of Slack yet."""
    installations = Installations(database, vault, channels, clock)
    app = access.app(clock)
    links = InstallLinks(*secrets.derive_each("slack install"), clock=clock)
    states = Tickets(redis, purpose="slack_install", life=timedelta(seconds=STATE_LIFE_S))
    return SlackParts(
        access=access,
        installations=installations,
        accounts=SlackAccounts(channels, access.signing_secrets),
        connector=SlackConnector(installations, access.api_base_url),
        rotation=SlackRotation(TokenRefreshes(database, vault, installations, clock), app),
        links=links,
        install_door=InstallDoor(access.public_url, app, links, states, installations.save),
    )
