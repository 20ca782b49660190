"""`response_url`: how an app answers something that a person did, five times within half an hour, without a token.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from bot.emulators.slack.arguments import Arguments
from bot.emulators.slack.methods import content
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import Channel, Edit, Installation, Json, Message
from bot.emulators.slack.refusals import Refused

MAX_USES = 5
LIFE_SECONDS = 1800


@dataclass(slots=True)
class Address:
    """Where an answer goes: to a user in a channel, about a message (its ts) if there is one."""

    installation: Installation
    channel: str
    user: str
    message_ts: str | None
    at: float
    uses: int = 0


class ResponseUrls:
    """Hands out addresses and takes what is posted to them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._addresses: dict[str, Address] = {}

    def new(
        self, kind: str, installation: Installation, channel: Channel, user: str, message_ts: str | None
    ) -> str:
        """An address; `kind` is "actions" or "commands"."""
        key = secrets.token_hex(12)
        now = self._platform.clock()
        self._addresses[key] = Address(installation, channel.id, user, message_ts, now)
        return f"{self._platform.base_url}/response/{kind}/{installation.tenant}/{key}"

    async def answer(self, request: web.Request) -> web.Response:
        address = self._addresses.get(request.match_info["key"])
        if address is None or self._platform.clock() - address.at > LIFE_SECONDS:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        if address.uses >= MAX_USES:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        try:
            given = json.loads(await request.read())
            if not isinstance(given, dict):
                raise Refused("invalid_payload")
            self.say(address, given)
        except ValueError:
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        except Refused as refused:
            return web.json_response(refused.body, status=400)
        address.uses += 1
        return web.json_response({"ok": True})

    def direct(self, installation: Installation, channel: Channel, user: str, given: Json) -> None:
        """Say what stands in the answer to a slash command itself. Raises Refused."""
        self.say(Address(installation, channel.id, user, None, self._platform.clock()), given)

    def say(self, address: Address, given: Json) -> None:
        """Post, replace or delete. Raises Refused."""
        platform = self._platform
        old = None
        if address.message_ts is not None:
            old = platform.transcript.any_of(address.channel, address.message_ts)
        arguments = Arguments(given)
        if old is not None and arguments.flag("delete_original"):
            platform.delete(old)
            return
        said = content.read(arguments)
        if said.is_empty:
            raise Refused("no_text")
        if old is not None and arguments.flag("replace_original"):
            edited = None if said.blocks else Edit(old.user, platform.ids.ts())
            new = replace(old, text=said.text or "", blocks=said.blocks or (), edited=edited)
            if old.ephemeral_to is None:
                platform.edit(new, old)
            else:
                platform.transcript.put(new)
                platform.changed()
            return
        self._post(address, said, arguments)

    def _post(self, address: Address, said: content.Content, arguments: Arguments) -> None:
        platform = self._platform
        is_open = arguments.text("response_type") == "in_channel"
        more: dict[str, Any] = {} if is_open else {"ephemeral_to": address.user}
        channel = platform.directory.channels[address.channel]
        message = Message(
            address.channel,
            platform.ids.ts(),
            address.installation.bot_user_id,
            said.text or "",
            address.installation.team_id or channel.team_id,
            thread_ts=arguments.text("thread_ts"),
            bot_id=address.installation.bot_id,
            app_id=address.installation.app_id,
            blocks=said.blocks or (),
            attachments=said.attachments or (),
            metadata=said.metadata or None,
            **more,
        )
        if is_open:
            platform.post(message)
        else:
            platform.transcript.put(message)
            platform.changed()
