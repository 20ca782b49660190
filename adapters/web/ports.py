"""What the web adapter needs of the runtime; the composition root hands in one that has it.

Three things hold for every method. A visitor is `(channel, external_user_id)`, and another visitor's
ids are treated exactly like ids that do not exist. Any method may raise `storage.errors.Unavailable`
(answered with 503; the client tries again) or `adapters.errors.Refused` (a limit: 429 with
`retry_after`); anything else is a defect and a 500.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from storage.records import (
    Accepted,
    Channel,
    Duplicate,
    Inbound,
    Json,
    MessageStatus,
    Sighting,
    StoredMessage,
    UploadedFile,
)


@dataclass(frozen=True, slots=True)
class Site:
    """What anybody may know of a web site's bot: what the widget shows before the first message."""

    name: str
    greeting: str
    suggestions: tuple[str, ...] = ()
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedSession:
    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True)
class ReplyState:
    """How far a reply has come.

    `message` is there once `status` is completed or failed and the turn said something; `more` are the
    ids of the turn's further replies, in order; `reason` (`none`, `joined`, `handoff`) says why there is
    no message.
    """

    status: MessageStatus
    message: StoredMessage | None = None
    more: tuple[UUID, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a message under way. Passing: it may be lost, the committed message replaces it."""

    message_id: UUID
    attempt: int
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Typing:
    """The bot is at work on an answer. Passing."""


LiveEvent: TypeAlias = StoredMessage | Delta | Typing


class Listening(Protocol):
    """A subscription to one visitor's live events, from the moment it was entered."""

    async def next(self, within_s: float) -> LiveEvent | None:
        """The next event, or None when none came within `within_s` seconds.

        A StoredMessage is published after the commit that changed it, as it stands at that `change`.
        Events may be dropped or doubled (a bounded queue, a Redis that restarted): a gap in the change
        numbers is noticed and read again from storage. Raises storage.errors.Unavailable when the
        subscription is lost.
        """


class Uploads(Protocol):
    async def keep(
        self,
        channel: Channel,
        external_user_id: str,
        content: AsyncIterable[bytes],
        *,
        limit_bytes: int,
        name: str,
        declared_type: str,
    ) -> UploadedFile:
        """Store a file of the visitor's, which a message may name afterwards; whole, or nothing of it.

        Raises storage.errors.TooLarge, WrongType (not taken, not what it claims, or suspicious) and Invalid (empty),
        and whatever `content` raises.
        """


class Conversations(Protocol):
    async def find_channel(self, site: str) -> Channel | None:
        """The web channel with this site key; cached, so cheap enough for every request."""

    async def site(self, channel: Channel) -> Site:
        """The public face of the channel's bot."""

    async def open_session(self, channel: Channel, user: Sighting) -> OpenedSession:
        """Find or make the visitor's user and open session."""

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        """Store one message durably, once; returning is the promise that it will be answered.

        Always with `wants_reply`, so that a client may send over one transport and poll over another. Refused with
        404 when a file that it names is not the visitor's or not free; nothing is stored then.
        """

    async def stop(self, channel: Channel, external_user_id: str) -> None:
        """End the turn under way in the visitor's open session, if there is one."""

    async def history(
        self, channel: Channel, external_user_id: str, *, before: UUID | None, limit: int
    ) -> Sequence[StoredMessage] | None:
        """The newest `limit` messages over all the visitor's sessions, newest last.

        `before` continues with those older than that message; None is returned when it is not one of
        the visitor's. Placeholders that nothing has filled and hidden replies are left out.
        """

    async def since(
        self,
        channel: Channel,
        external_user_id: str,
        *,
        session_id: UUID | None,
        change: int,
        limit: int,
    ) -> Sequence[StoredMessage] | None:
        """What changed in the visitor's sessions after change number `change` of `session_id`.

        That session first, its messages with a change number above `change`; then every later session of
        the visitor from its beginning; at most `limit` messages in all. `session_id` None reads from the
        visitor's first session on. Within a session the order is by the first number that the reader
        lacks, `created_change` where that is above the cursor and else `change`: a message that was born
        and altered since must come at its birth, or the end of a page could pass it over.
        Returns None when the session is not one of the visitor's.
        """

    async def reply(self, channel: Channel, external_user_id: str, reply_id: UUID) -> ReplyState | None:
        """The state of a reply by its placeholder's id, or by one of the ids in `more`."""

    async def feedback(self, channel: Channel, external_user_id: str, message_id: UUID, value: int) -> bool:
        """Keep the visitor's judgement (1 or -1, 0 takes it back); False: no such message of the bot's."""

    def listen(self, channel: Channel, external_user_id: str) -> AbstractAsyncContextManager[Listening]:
        """Subscribe to the visitor's live events; entering it returns once nothing can be missed."""

    async def issue_ticket(self, claims: Mapping[str, Json]) -> str:
        """Keep `claims` for half a minute under a new one-use ticket. Fails closed: raises Unavailable."""

    async def redeem_ticket(self, ticket: str) -> Mapping[str, Json] | None:
        """The claims of a ticket, once; None for an unknown one. Fails closed: raises Unavailable."""
