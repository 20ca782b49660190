"""Slack as a platform that is delivered to: a reply becomes messages, posted in order, each known by its metadata."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from adapters.contract import Delivery, Receipt
from adapters.errors import CannotLookUp, DeliveryFailed, PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.failures import delivery_failed, meaning
from adapters.slack.finishing import Finishing
from adapters.slack.letter import parts_of
from adapters.slack.live import LiveReplies
from adapters.slack.lookup import Lookup
from adapters.slack.posting import Posting
from adapters.slack.receipts import external_id
from adapters.slack.rooms import Rooms
from adapters.slack.sent import Sent
from adapters.slack.shown import ShownReplies, names_of
from adapters.slack.uploads import Uploads

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
        self._now = now
        self._rooms = Rooms(calls)
        self._lookup = Lookup(calls)
        self._sent = Sent()
        self._shown = ShownReplies()
        self._live = LiveReplies(calls, self._shown, now=now)
        self._finishing = Finishing(calls, self._shown, self._live)
        self._posting = Posting(calls, uploads)

    async def send(self, delivery: Delivery) -> Receipt:
        """Post the parts that `find` did not find, in place of what was shown of them.

        Raises DeliveryFailed and Unavailable.
        """
        parts = parts_of(delivery)
        there = dict(self._sent.forget(delivery))
        until = self._now() + LONGEST_SEND_S
        names = self._shown.names(delivery)
        # A file is a message of its own, which is always new.
        into = dict(zip((n for n, part in enumerate(parts) if part.upload is None), names, strict=False))
        try:
            room = await self._rooms.of(delivery)
            if names and not there and await self._finishing.finish(delivery, room, names):
                return Receipt(delivery.external_id)
            for number, part in enumerate(parts):
                if number in there:
                    continue
                if self._now() >= until:
                    self._sent.keep(delivery, there)
                    raise _to_be_continued(number, len(parts))
                there[number] = await self._posting.put(delivery, room, number, part, into.get(number))
            for ts in names[len(into) :]:
                await self._posting.remove(delivery, room, ts)
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
        if delivery.opening:
            await self._find_opened(delivery)
        self._sent.keep(delivery, there)
        return None

    async def open_stream(self, delivery: Delivery) -> str:
        """Open the reply's next message; what all of them are called. Raises DeliveryFailed and Unavailable."""
        try:
            ts = await self._live.open(delivery, await self._rooms.of(delivery))
        except PlatformFailed as failed:
            raise delivery_failed(failed, 1, 1, begun=False) from None
        return external_id(dict(enumerate([*names_of(delivery), ts])))

    async def append_stream(self, delivery: Delivery) -> bool:
        """Show the text so far; False when it needs another message. Raises DeliveryFailed and Unavailable."""
        try:
            return await self._live.append(delivery, await self._rooms.of(delivery))
        except PlatformFailed as failed:
            raise delivery_failed(failed, 1, 1, begun=False) from None

    async def retract(self, delivery: Delivery) -> None:
        """Delete what was shown. Raises DeliveryFailed and Unavailable."""
        if delivery.opening:
            with suppress(CannotLookUp):
                await self._find_opened(delivery)
        names = self._shown.names(delivery)
        try:
            room = await self._rooms.of(delivery)
            await self._finishing.end(delivery, room, names)
            for ts in names:
                await self._posting.remove(delivery, room, ts)
        except PlatformFailed as failed:
            raise delivery_failed(failed, 1, 1, begun=False) from None

    async def _find_opened(self, delivery: Delivery) -> None:
        """Adopt the drafts that nobody could name. Raises CannotLookUp where there is a stream that may be ours."""
        try:
            drafts, has_stream = await self._lookup.strays(delivery, await self._rooms.of(delivery))
        except PlatformFailed as failed:
            raise DeliveryFailed(
                meaning(failed), permanent=failed.permanent, retry_after=failed.retry_after
            ) from None
        self._shown.adopt(delivery, drafts)
        if has_stream:
            raise CannotLookUp("a stream was begun of which nobody knows the reply")


def _to_be_continued(number: int, parts: int) -> DeliveryFailed:
    return DeliveryFailed(
        f"{number} of {parts} parts are sent, and the rest follows",
        permanent=False,
        retry_after=0.0,
        unsure=True,
    )
