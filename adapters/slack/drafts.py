"""A reply that is not finished, as ordinary messages of Slack that are updated, each marked as a draft."""

from __future__ import annotations

import time
from collections.abc import Callable

from adapters.contract import Delivery
from adapters.errors import PlatformFailed
from adapters.slack.calling import PACED, SlackCalls
from adapters.slack.message import Message
from adapters.slack.pacing import Limit, Pacer
from adapters.slack.receipts import draft_metadata
from adapters.slack.render import render
from adapters.slack.rooms import Room
from adapters.slack.shown import Shown
from adapters.slack.untrusted import stamp
from storage.records import ContentType

# Of Slack's 50 a minute for a workspace: the others are for finishing what was begun, and for buttons.
_LIMIT = Limit(30, 60)


class Drafts:
    """Posts and updates. Its methods raise PlatformFailed and Unavailable."""

    def __init__(self, calls: SlackCalls, *, now: Callable[[], float] = time.monotonic) -> None:
        self._calls = calls
        self._pacer = Pacer(now=now)

    async def post(self, delivery: Delivery, room: Room, shown: Shown) -> str:
        """Post the next message of the text so far; its `ts`."""
        number = len(shown.names)
        messages = render(delivery.content, ContentType.TEXT)
        # Where the text has become shorter since it was asked for, there is nothing of its own in it yet.
        message = messages[min(number, len(messages) - 1)]
        arguments = {
            "channel": room.channel,
            "thread_ts": room.thread_ts,
            "metadata": draft_metadata(delivery.id, number),
            **message.arguments(),
        }
        answer = await self._calls.call(delivery.channel, "chat.postMessage", arguments, wait_s=0.0)
        ts = stamp(answer, "ts")
        if ts is None:
            raise PlatformFailed("Slack's chat.postMessage", "no_answer", permanent=False, unsure=True)
        shown.drafts[number] = message
        return ts

    async def update(self, delivery: Delivery, room: Room, shown: Shown) -> bool:
        """Show the text so far, as much as the messages hold; whether that is all of it."""
        messages = render(delivery.content, ContentType.TEXT)
        for number, (ts, message) in enumerate(zip(shown.names, messages, strict=False)):
            if shown.drafts.get(number) != message:
                await self._put(delivery, room, ts, message)
                shown.drafts[number] = message
        return len(messages) <= len(shown.names)

    async def _put(self, delivery: Delivery, room: Room, ts: str, message: Message) -> None:
        lane = (delivery.channel.id, "drafts")
        wait = self._pacer.wait_s(lane, _LIMIT, (delivery.id, ts), hold_s=0.0)
        if wait > 0.0:
            raise PlatformFailed("Slack's chat.update", PACED, permanent=False, retry_after=wait)
        arguments = {"channel": room.channel, "ts": ts, **message.changes()}
        await self._calls.call(delivery.channel, "chat.update", arguments, wait_s=0.0)
