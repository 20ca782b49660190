"""A part of a reply becomes a message of Slack's: a new one, or what was shown of it while it was written."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import structlog

from adapters.contract import Delivery
from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.letter import Part
from adapters.slack.message import Message
from adapters.slack.plainer import REFUSED_BLOCKS, plainer
from adapters.slack.receipts import metadata_of
from adapters.slack.rooms import Room
from adapters.slack.untrusted import stamp
from adapters.slack.uploads import Uploads

log = structlog.get_logger("parley.slack")

# The message is not there any more, or cannot be changed any more.
GONE = {
    "message_not_found",
    "edit_window_closed",
    "cant_update_message",
    "cant_delete_message",
    "streaming_state_conflict",
}


class Posting:
    """Posts and changes messages. Its methods raise PlatformFailed and Unavailable."""

    def __init__(self, calls: SlackCalls, uploads: Uploads) -> None:
        self._calls = calls
        self._uploads = uploads

    async def put(
        self, delivery: Delivery, room: Room, number: int, part: Part, shown_as: str | None = None
    ) -> str:
        """Post a part, or change the message that showed it; what it is called (see receipts.py).

        What Slack refuses is said more plainly.
        """
        ticket = (delivery.id, number)
        if part.upload is not None:
            shared = await self._uploads.share(delivery.channel, room, part.upload, ticket)
            if shared is not None:
                return shared
        metadata = metadata_of(delivery.id, number)
        try:
            return await self._say(delivery, room, part.message, metadata, ticket, shown_as)
        except PlatformFailed as failed:
            if failed.code not in REFUSED_BLOCKS:
                raise
            refused = failed
        for simpler in plainer(part.message):
            # With its pictures it may be refused for what is behind their addresses; without, for what we wrote.
            tell = log.info if simpler.blocks else log.error
            tell("slack_blocks_refused", delivery=delivery.id, part=number, error=str(refused))
            try:
                return await self._say(delivery, room, simpler, metadata, ticket, shown_as)
            except PlatformFailed as failed:
                if failed.code not in REFUSED_BLOCKS:
                    raise
                refused = failed
        raise refused

    async def remove(self, delivery: Delivery, room: Room, ts: str) -> None:
        """Take a message away that nothing is to be said in."""
        arguments = {"channel": room.channel, "ts": ts}
        try:
            await self._calls.call(delivery.channel, "chat.delete", arguments, ticket=(delivery.id, ts))
        except PlatformFailed as failed:
            if failed.code not in GONE:
                raise

    async def _say(
        self,
        delivery: Delivery,
        room: Room,
        message: Message,
        metadata: dict[str, Any],
        ticket: Hashable,
        shown_as: str | None,
    ) -> str:
        if shown_as is None:
            return await self._post(delivery, room, message, metadata, ticket)
        arguments = {"channel": room.channel, "ts": shown_as, "metadata": metadata, **message.changes()}
        try:
            await self._calls.call(delivery.channel, "chat.update", arguments, ticket=(ticket, "update"))
        except PlatformFailed as failed:
            # An update takes less text than a new message does.
            too_long = failed.code == "msg_too_long" and not message.blocks
            if failed.code not in GONE and not too_long:
                raise
            said = await self._post(delivery, room, message, metadata, ticket)
            if too_long:
                await self.remove(delivery, room, shown_as)
            return said
        return shown_as

    async def _post(
        self, delivery: Delivery, room: Room, message: Message, metadata: dict[str, Any], ticket: Hashable
    ) -> str:
        arguments = {
            "channel": room.channel,
            "thread_ts": room.thread_ts,
            "metadata": metadata,
            **message.arguments(),
        }
        if not message.blocks:
            del arguments["blocks"]
        answer = await self._calls.call(delivery.channel, "chat.postMessage", arguments, ticket=ticket)
        ts = stamp(answer, "ts")
        if ts is None:
            raise PlatformFailed("Slack's chat.postMessage", "no_answer", permanent=False, unsure=True)
        return ts
