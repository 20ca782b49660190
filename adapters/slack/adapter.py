"""Slack as a platform that is delivered to: a reply becomes messages, posted in order, each known by its metadata."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any

import structlog

from adapters.contract import Delivery, Receipt
from adapters.errors import DeliveryFailed, PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.failures import delivery_failed, meaning
from adapters.slack.letter import Part, parts_of
from adapters.slack.lookup import Lookup
from adapters.slack.message import Message
from adapters.slack.plainer import REFUSED_BLOCKS, plainer
from adapters.slack.receipts import external_id, metadata_of
from adapters.slack.rooms import Room, Rooms
from adapters.slack.sent import Sent
from adapters.slack.untrusted import stamp
from adapters.slack.uploads import Uploads
from storage.records import Channel

log = structlog.get_logger("parley.slack")

PLATFORM = "slack"
# Below the limit that the delivery worker sets: a long reply goes on in the next attempt.
LONGEST_SEND_S = 15.0


class SlackAdapter:
    """Posts replies. What it knows of those sent in part it keeps in memory, and else reads from Slack."""

    platform = PLATFORM

    def __init__(
        self, calls: SlackCalls, uploads: Uploads, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._uploads = uploads
        self._now = now
        self._rooms = Rooms(calls)
        self._lookup = Lookup(calls)
        self._sent = Sent()

    async def send(self, delivery: Delivery) -> Receipt:
        """Post the parts that `find` did not find. Raises DeliveryFailed and Unavailable."""
        parts = parts_of(delivery)
        there = dict(self._sent.forget(delivery))
        until = self._now() + LONGEST_SEND_S
        try:
            room = await self._rooms.of(delivery)
            for number, part in enumerate(parts):
                if number in there:
                    continue
                if self._now() >= until:
                    self._sent.keep(delivery, there)
                    raise _to_be_continued(number, len(parts))
                there[number] = await self._put(delivery, room, number, part)
        except PlatformFailed as failed:
            if not failed.unsure:
                self._sent.keep(delivery, there)
            raise delivery_failed(failed, len(there) + 1, len(parts), begun=bool(there)) from None
        return Receipt(external_id(there))

    async def find(self, delivery: Delivery) -> Receipt | None:
        """The receipt of a delivery that is there whole. Raises CannotLookUp, DeliveryFailed and Unavailable."""
        parts = parts_of(delivery)
        there = self._sent.known(delivery)
        if there is None:
            try:
                there = await self._lookup.parts(delivery, await self._rooms.of(delivery), parts)
            except PlatformFailed as failed:
                # This attempt has sent nothing; that an earlier one may have stands in its own row.
                raise DeliveryFailed(
                    meaning(failed), permanent=failed.permanent, retry_after=failed.retry_after
                ) from None
        if len(there) == len(parts):
            return Receipt(external_id(there))
        self._sent.keep(delivery, there)
        return None

    async def _put(self, delivery: Delivery, room: Room, number: int, part: Part) -> str:
        ticket = (delivery.id, number)
        if part.upload is not None:
            shared = await self._uploads.share(delivery.channel, room, part.upload, ticket)
            if shared is not None:
                return shared
        metadata = metadata_of(delivery.id, number)
        try:
            return await self._post(delivery.channel, room, part.message, metadata, ticket)
        except PlatformFailed as failed:
            if failed.code not in REFUSED_BLOCKS:
                raise
            refused = failed
        for simpler in plainer(part.message):
            # With its pictures it may be refused for what is behind their addresses; without, for what we wrote.
            tell = log.info if simpler.blocks else log.error
            tell("slack_blocks_refused", delivery=delivery.id, part=number, error=str(refused))
            try:
                return await self._post(delivery.channel, room, simpler, metadata, ticket)
            except PlatformFailed as failed:
                if failed.code not in REFUSED_BLOCKS:
                    raise
                refused = failed
        raise refused

    async def _post(
        self, channel: Channel, room: Room, message: Message, metadata: dict[str, Any], ticket: Hashable
    ) -> str:
        arguments = {
            "channel": room.channel,
            "thread_ts": room.thread_ts,
            "metadata": metadata,
            **message.arguments(),
        }
        if not message.blocks:
            del arguments["blocks"]
        answer = await self._calls.call(channel, "chat.postMessage", arguments, ticket=ticket)
        ts = stamp(answer, "ts")
        if ts is None:
            raise PlatformFailed("Slack's chat.postMessage", "no_answer", permanent=False, unsure=True)
        return ts


def _to_be_continued(number: int, parts: int) -> DeliveryFailed:
    return DeliveryFailed(
        f"{number} of {parts} parts are sent, and the rest follows",
        permanent=False,
        retry_after=0.0,
        unsure=True,
    )
