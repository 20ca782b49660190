"""What a turn comes to: everything that its commit writes, in values that cross the border of `storage`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from storage.approval_records import WaitingApprovals
from storage.records import ContentType, Json, Sender


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A reply to be written by a commit. The first one takes the entry's `reply_id` where there is one."""

    id: UUID
    content: str
    content_type: ContentType = ContentType.TEXT
    sender: Sender = Sender.BOT
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Something to be sent elsewhere than to the session's own channel: a one-time code. Always sealed."""

    id: UUID
    channel_id: UUID
    address: str
    content: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A named value about a user that outlives sessions; `value` None means that there is none any more."""

    name: str
    value: Json
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Timer:
    """Something that moves the session at a time, once: an inbox entry of kind `timer` with the timer's id.

    `payload` tells an operator what it is for; nothing private.
    """

    id: UUID
    due_at: datetime
    payload: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who has the session from now on: a person (`owner`, if it is known who), or the bot again."""

    to_person: bool
    owner: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SentEvent:
    """Something to tell another session of the tenant, once a key; `value` is JSON."""

    session_id: UUID
    name: str
    value: Json
    key: str


@dataclass(frozen=True, slots=True)
class Link:
    """The session's user is one person with another, by a one-time code.

    With `platform` and `external_id` the other is whom that platform knows so, and is made as `user_id` if new.
    """

    user_id: UUID
    platform: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class TakenUp:
    """What was parked in another session of the person, at `version` of its state, goes on in this one.

    `notice` is said there by the system.
    """

    session_id: UUID
    version: int
    notice: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a verb of a flow came to, or an entry that no message tells of, for the lasting record.

    `path` is the verb's place in its flow's record and `digest` that of its arguments, `status` is `ok` or `failed`.
    Empty `flow`, `run` and `path`: no verb's. A `sensitive` one is sealed with the user's key.
    """

    kind: str
    name: str
    value: Json
    status: str = "ok"
    flow: str = ""
    run: str = ""
    path: str = ""
    digest: str = ""
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result as it is on record: of the turn that answered the entry at `position`, accepted at `created_at`.

    `message_id` is the entry's message, if it had one. Not `readable`: its key is gone, and with it value and digest.
    """

    position: int
    message_id: UUID | None
    created_at: datetime
    result: Result
    readable: bool = True


@dataclass(frozen=True, slots=True)
class NewState:
    """The state that a turn leaves. `flow` None means that nothing is under way."""

    data: Mapping[str, Any]
    flow: str | None = None
    flow_version: str | None = None
    state_name: str | None = None
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn comes to; written by one commit.

    `state` None leaves the last committed state as it is.
    `redact_input`: a sensitive ask took the message, so the transcript keeps only `[sensitive]`.
    `parked_for`: how long silence may last while a flow is parked; None: the channel's idle time.
    `reason`: why a turn has no reply (`none`, `joined`, `handoff`).
    `damage`: the damaged state was set aside for this reason before the session started anew.
    `flags`: what the turn learnt about the user, each name once. `resolved`: whether the person's matter was
    settled, where a flow said so.
    `timers`: all that the session has from now on; one that fired stays fired. None leaves them as they are.
    `hand`: who has the session from now on; None leaves it. `agent`: the operator who says the replies.
    `events` are told to other sessions. `results` go on the lasting record.
    `approvals`: all that the session waits for from now on; None where it has to do with none.
    `links` are made, and the links of the users `parted` ended; `taken_up` is moved here from another session.
    """

    replies: tuple[NewMessage, ...]
    state: NewState | None
    dispatches: tuple[Dispatch, ...] = ()
    redact_input: bool = False
    parked_for: timedelta | None = None
    close: bool = False
    reason: str | None = None
    damage: str | None = None
    error: str | None = None
    flags: tuple[Flag, ...] = ()
    resolved: bool | None = None
    timers: tuple[Timer, ...] | None = None
    hand: Hand | None = None
    agent: str | None = None
    events: tuple[SentEvent, ...] = ()
    results: tuple[Result, ...] = ()
    approvals: WaitingApprovals | None = None
    links: tuple[Link, ...] = ()
    parted: tuple[UUID, ...] = ()
    taken_up: TakenUp | None = None
