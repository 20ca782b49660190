"""The values that cross the border of `storage`: what is accepted, claimed, committed and read back.

Frozen, plain, without behaviour. Raw rows stay below this border, raw platform payloads above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class EntryKind(StrEnum):
    """What can move a session; every kind enters by the same door."""

    MESSAGE = "message"
    ACTION = "action"
    TIMER = "timer"
    EVENT = "event"
    DECISION = "decision"
    OPERATOR = "operator"


class Sender(StrEnum):
    USER = "user"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class ContentType(StrEnum):
    """`text` is plain text; `json` and `rich` (a rendered-by-adapter reply) are JSON documents."""

    TEXT = "text"
    JSON = "json"
    RICH = "rich"


class MessageStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Channel:
    """One connection of a tenant to a platform, with its credentials already opened."""

    tenant_id: UUID
    id: UUID
    platform: str
    account: str
    tenant_slug: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sighting:
    """Who a platform says is speaking: the platform's own id for the user, unique within the tenant."""

    external_id: str
    locale: str | None = None
    profile: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that a person sent: its cleaned name, its type as its bytes show it, its size in bytes."""

    id: UUID
    name: str
    type: str
    size: int


@dataclass(frozen=True, slots=True)
class Inbound:
    """One normalised event of a platform, ready to be accepted.

    `dedupe_keys` are unique within the channel; a conflict on any of them makes the event a duplicate.
    `content` is what the transcript shows; `payload` is what a button or a form carried.
    `wants_reply` asks for a placeholder of the first reply, for clients that poll.
    `attachments` are files that were stored before; accepting makes them this message's.
    """

    channel: Channel
    user: Sighting
    dedupe_keys: tuple[str, ...]
    content: str
    kind: EntryKind = EntryKind.MESSAGE
    content_type: ContentType = ContentType.TEXT
    payload: Json = None
    thread_key: str = ""
    external_message_id: str | None = None
    raw_payload: Json = None
    wants_reply: bool = False
    attachments: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """The session a turn runs in. `in_handoff`: a person has it, `owner` once one of them took it.

    `linked`: its user is linked to another, which is the same person.
    """

    tenant_id: UUID
    id: UUID
    user_id: UUID
    channel_id: UUID
    platform: str
    external_user_id: str
    thread_key: str = ""
    locale: str | None = None
    profile: Mapping[str, Json] = field(default_factory=dict)
    in_handoff: bool = False
    owner: str | None = None
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One queued event of a session, opened if it was sealed.

    `attempt` counts from 1; `reply_id` is the placeholder that the first reply fills.
    `damage` says why sealed input could not be opened; nothing of it is here then.
    """

    id: UUID
    position: int
    kind: EntryKind
    content: str
    payload: Json
    message_id: UUID | None
    reply_id: UUID | None
    accepted_at: datetime
    attempt: int
    sealed: bool = False
    raw_payload: Json = None
    damage: str | None = None
    attachments: tuple[UploadedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """`conversation_state` as last committed. `version` 0 means that no row exists yet.

    `checkpoint` is what the same entry's earlier attempt recorded before it was lost: the record as it
    stood then, to be used instead of `data` by the attempt that follows.
    """

    version: int = 0
    flow: str | None = None
    flow_version: str | None = None
    state_name: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: Mapping[str, Any] | None = None
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A claimed session: its lease (`token`), the entry to answer and the state to answer it from."""

    session: Session
    token: int
    entry: Entry
    state: State
    cancel_seq: int


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the transcript has it.

    `seq` orders the session. `change` numbers every visible change of the session, also later ones to
    the same message; `created_change` is the number it was born with, so `change > created_change`
    says that the message was altered since. Both are 0 for a placeholder that nothing has filled yet.
    """

    id: UUID
    session_id: UUID
    user_id: UUID
    seq: int | None
    change: int
    created_change: int
    sender: Sender
    content: str
    content_type: ContentType
    status: MessageStatus
    in_reply_to: UUID | None
    created_at: datetime
    attachments: tuple[UploadedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stored for good, at `position` of the session's lane. `turn` is set when it was idle and the claim rode along."""

    session_id: UUID
    user_id: UUID
    message: StoredMessage
    reply_id: UUID | None
    turn: Turn | None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A repeat of something accepted before; ids of the first."""

    session_id: UUID
    message_id: UUID
    reply_id: UUID | None


@dataclass(frozen=True, slots=True)
class Committed:
    """`next` is the following entry of the lane, claimed on by the commit; `woken` are sessions told of events."""

    messages: tuple[StoredMessage, ...]
    deliveries: int
    next: Turn | None
    woken: tuple[UUID, ...] = ()
