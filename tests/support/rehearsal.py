"""A stand-in for the runtime behind the web adapter: the `Conversations` port over plain lists.

It numbers changes as storage does, and lets a test speak for the bot, lose live events or be down.
What storage itself promises is tested on storage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from adapters.web.parse import unknown_attachment
from adapters.web.ports import Delta, LiveEvent, OpenedSession, ReplyState, Site
from storage.errors import Unavailable, WrongType
from storage.file_types import HEAD_BYTES, TAIL_BYTES, find_type
from storage.received import receive
from storage.records import (
    Accepted,
    Channel,
    ContentType,
    Duplicate,
    Inbound,
    Json,
    MessageStatus,
    Sender,
    Sighting,
    StoredMessage,
    UploadedFile,
)

DEMO = Channel(
    tenant_id=UUID("01900000-0000-7000-8000-000000000001"),
    id=UUID("01900000-0000-7000-8000-000000000002"),
    platform="web",
    account="demo",
    tenant_slug="demo",
    credentials={"identity_secret": "a secret that the host site and we share"},
)


def file_url(tenant_id: UUID, file_id: UUID) -> str:
    return f"/files/of-{tenant_id}-{file_id}"


class Ears:
    """One subscription; `deaf` loses what is published."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[LiveEvent] = asyncio.Queue()
        self.deaf = False

    def hear(self, event: LiveEvent) -> None:
        if not self.deaf:
            self.events.put_nowait(event)

    async def next(self, within_s: float) -> LiveEvent | None:
        try:
            async with asyncio.timeout(within_s):
                return await self.events.get()
        except TimeoutError:
            return None


@dataclass
class Talk:
    """One session of one visitor."""

    id: UUID
    user_id: UUID
    external_id: str
    channel: Channel
    change: int = 0
    closed: bool = False
    messages: dict[UUID, StoredMessage] = field(default_factory=dict)


Script = Callable[["Rehearsal", Talk, Inbound, UUID], Coroutine[Any, Any, None]]


class Rehearsal:
    def __init__(self, script: Script | None = None) -> None:
        self.channels = {"demo": DEMO}
        self.face = Site("Ada at Parley Bank", "Hello, I am Ada.", ("What is my balance?",), "#0f5c4a")
        self.talks: list[Talk] = []
        self.ears: list[tuple[str, Ears]] = []
        self.taken: dict[str, Accepted] = {}
        self.replies: dict[UUID, ReplyState] = {}
        self.owners: dict[UUID, str] = {}
        self.tickets: dict[str, Mapping[str, Json]] = {}
        self.judgements: list[tuple[UUID, int]] = []
        self.stopped: list[str] = []
        self.files: dict[UUID, tuple[str, UploadedFile]] = {}
        self.down: set[str] = set()
        self.script = script
        self.at_work: set[asyncio.Task[None]] = set()
        self.ears_changed = asyncio.Condition()

    # What a test does.

    def talk_of(self, external_id: str) -> Talk:
        for talk in reversed(self.talks):
            if talk.external_id == external_id and not talk.closed:
                return talk
        users = [talk.user_id for talk in self.talks if talk.external_id == external_id]
        talk = Talk(uuid4(), users[0] if users else uuid4(), external_id, DEMO)
        self.talks.append(talk)
        return talk

    def say(
        self,
        talk: Talk,
        content: str,
        *,
        sender: Sender = Sender.BOT,
        content_type: ContentType = ContentType.TEXT,
        message_id: UUID | None = None,
        in_reply_to: UUID | None = None,
        status: MessageStatus = MessageStatus.COMPLETED,
        attachments: tuple[UploadedFile, ...] = (),
    ) -> StoredMessage:
        talk.change += 1
        message = StoredMessage(
            id=message_id or uuid4(),
            session_id=talk.id,
            user_id=talk.user_id,
            seq=len(talk.messages) + 1,
            change=talk.change,
            created_change=talk.change,
            sender=sender,
            content=content,
            content_type=content_type,
            status=status,
            in_reply_to=in_reply_to,
            created_at=datetime.now(UTC),
            attachments=attachments,
        )
        self._keep(talk, message)
        if sender is not Sender.USER:
            self.owners[message.id] = talk.external_id
            self.replies[message.id] = ReplyState(status, message)
        return message

    def alter(self, talk: Talk, message_id: UUID, status: MessageStatus) -> StoredMessage:
        talk.change += 1
        message = replace(talk.messages[message_id], status=status, change=talk.change)
        self._keep(talk, message)
        return message

    def publish(self, external_id: str, event: LiveEvent) -> None:
        for owner, ears in self.ears:
            if owner == external_id:
                ears.hear(event)

    def deltas(self, talk: Talk, message_id: UUID, pieces: Sequence[str], *, attempt: int = 1) -> None:
        for seq, piece in enumerate(pieces):
            self.publish(talk.external_id, Delta(message_id, attempt, seq, piece))

    async def until_heard_by(self, count: int) -> None:
        """Wait until there are exactly so many subscriptions."""
        async with asyncio.timeout(10), self.ears_changed:
            await self.ears_changed.wait_for(lambda: len(self.ears) == count)

    def _keep(self, talk: Talk, message: StoredMessage) -> None:
        talk.messages[message.id] = message
        self.publish(talk.external_id, message)

    def _check(self, part: str) -> None:
        if part in self.down:
            raise Unavailable(f"{part} is down")

    # What the adapter asks for.

    async def find_channel(self, site: str) -> Channel | None:
        self._check("find_channel")
        return self.channels.get(site)

    async def site(self, channel: Channel) -> Site:
        return self.face

    async def open_session(self, channel: Channel, user: Sighting) -> OpenedSession:
        self._check("open_session")
        talk = self.talk_of(user.external_id)
        return OpenedSession(talk.user_id, talk.id)

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        self._check("accept")
        (key,) = inbound.dedupe_keys
        if key in self.taken:
            first = self.taken[key]
            return Duplicate(first.session_id, first.message.id, first.reply_id)
        talk = self.talk_of(inbound.user.external_id)
        if any(self.files.get(each, ("",))[0] != inbound.user.external_id for each in inbound.attachments):
            raise unknown_attachment()
        attachments = tuple(self.files.pop(each)[1] for each in inbound.attachments)
        message = self.say(
            talk,
            inbound.content,
            sender=Sender.USER,
            status=MessageStatus.PENDING,
            attachments=attachments,
        )
        reply_id = uuid4()
        self.replies[reply_id] = ReplyState(MessageStatus.PENDING)
        self.owners[reply_id] = talk.external_id
        self.taken[key] = accepted = Accepted(talk.id, talk.user_id, message, reply_id, None)
        if self.script is not None:
            task = asyncio.create_task(self.script(self, talk, inbound, reply_id))
            self.at_work.add(task)
            task.add_done_callback(self.at_work.discard)
        return accepted

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
        self._check("keep")
        kind = find_type(declared_type)
        if kind is None:
            raise WrongType("files of this type are not taken")
        async with receive(content, limit_bytes=limit_bytes) as received:
            if not kind.fits(received.head(HEAD_BYTES), received.tail(TAIL_BYTES)):
                raise WrongType("not what it says it is")
            file = UploadedFile(uuid4(), name, kind.name, received.size)
        self.files[file.id] = (external_user_id, file)
        return file

    async def stop(self, channel: Channel, external_user_id: str) -> None:
        self.stopped.append(external_user_id)

    async def history(
        self, channel: Channel, external_user_id: str, *, before: UUID | None, limit: int
    ) -> Sequence[StoredMessage] | None:
        self._check("history")
        mine = [talk for talk in self.talks if talk.external_id == external_user_id]
        messages = [
            message
            for talk in mine
            for message in sorted(talk.messages.values(), key=lambda message: message.seq or 0)
        ]
        if before is not None:
            ids = [message.id for message in messages]
            if before not in ids:
                return None
            messages = messages[: ids.index(before)]
        return messages[-limit:]

    async def since(
        self,
        channel: Channel,
        external_user_id: str,
        *,
        session_id: UUID | None,
        change: int,
        limit: int,
    ) -> Sequence[StoredMessage] | None:
        self._check("since")
        mine = [talk for talk in self.talks if talk.external_id == external_user_id]
        ids = [talk.id for talk in mine]
        if session_id is not None:
            if session_id not in ids:
                return None
            mine = mine[ids.index(session_id) :]
        found: list[StoredMessage] = []
        for talk in mine:
            floor = change if talk.id == session_id else 0
            changed = [message for message in talk.messages.values() if message.change > floor]
            found += sorted(changed, key=lambda row: _first_lacking(row, floor))
        return found[:limit]

    async def reply(self, channel: Channel, external_user_id: str, reply_id: UUID) -> ReplyState | None:
        return self.replies.get(reply_id) if self.owners.get(reply_id) == external_user_id else None

    async def feedback(self, channel: Channel, external_user_id: str, message_id: UUID, value: int) -> bool:
        if self.owners.get(message_id) != external_user_id:
            return False
        self.judgements.append((message_id, value))
        return True

    @asynccontextmanager
    async def listen(self, channel: Channel, external_user_id: str) -> AsyncIterator[Ears]:
        self._check("listen")
        entry = (external_user_id, Ears())
        self.ears.append(entry)
        try:
            async with self.ears_changed:
                self.ears_changed.notify_all()
            yield entry[1]
        finally:
            self.ears.remove(entry)
            async with self.ears_changed:
                self.ears_changed.notify_all()

    async def issue_ticket(self, claims: Mapping[str, Json]) -> str:
        self._check("tickets")
        ticket = uuid4().hex
        self.tickets[ticket] = claims
        return ticket

    async def redeem_ticket(self, ticket: str) -> Mapping[str, Json] | None:
        self._check("tickets")
        return self.tickets.pop(ticket, None)


def _first_lacking(row: StoredMessage, floor: int) -> int:
    return row.created_change if row.created_change > floor else row.change
