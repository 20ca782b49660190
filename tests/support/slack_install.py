"""The emulator's workspace, installed without asking anybody."""

from __future__ import annotations

from typing import Any

from databases import DatabaseUrls
from vaults import strongroom

from bot.emulators.slack.server import SlackEmulator
from storage.channels import Channels
from storage.clock import wall_clock
from storage.installations import Grant, Installations, Tokens


async def install(slack: SlackEmulator, acme: Any, urls: DatabaseUrls) -> None:
    """The emulator's workspace as a channel of the tenant."""
    async with strongroom(urls) as room:
        channels = Channels(room.database, room.vault, wall_clock)
        installed = slack.installation
        grant = Grant(
            slack.app.id,
            installed.team_id,
            None,
            Tokens(slack.bot_token),
            bot_user_id=installed.bot_user_id,
            bot_id=installed.bot_id,
        )
        await Installations(room.database, room.vault, channels, wall_clock).save(acme.web.tenant_id, grant)
