"""Where a delivery goes: a conversation of Slack, and the thread in it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from uuid import UUID

from adapters.contract import Delivery
from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.untrusted import ident, record
from storage.records import Channel
from storage.shortlived import ShortLived

# A direct message stays the same for as long as both are in the workspace.
_KEPT_S = 3600.0
_MOST_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Room:
    """`thread_ts` None: in the conversation itself."""

    channel: str
    thread_ts: str | None = None


def room_of(thread_key: str) -> Room | None:
    """The room of a session, as `inbound.thread_key` writes it; None where it names none."""
    channel, _, thread_ts = thread_key.partition(":")
    return Room(channel, thread_ts or None) if channel else None


class Rooms:
    """Finds the rooms of deliveries; a direct message is opened where only a user is known."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls
        self._opened: ShortLived[tuple[UUID, str], str] = ShortLived(life=_KEPT_S, capacity=_MOST_KEPT)

    async def of(self, delivery: Delivery) -> Room:
        """The session's own, else the direct message with the address. Raises PlatformFailed and Unavailable."""
        room = room_of(delivery.thread_key)
        if room is not None:
            return room
        # Somebody of another organisation has its id in front of their own.
        user = delivery.address.rpartition("/")[2]
        return Room(await self._direct(delivery.channel, user, (delivery.id, "open")))

    async def _direct(self, channel: Channel, user: str, ticket: Hashable) -> str:
        known = self._opened.get((channel.id, user))
        if known is not None:
            return known
        generation = self._opened.generation
        answer = await self._calls.call(channel, "conversations.open", {"users": user}, ticket=ticket)
        opened = ident(record(answer, "channel"), "id")
        if opened is None:
            raise PlatformFailed("Slack's conversations.open", "no_answer", permanent=False)
        self._opened.keep((channel.id, user), opened, generation)
        return opened
