"""What the Slack adapter needs of the runtime; the composition root hands in one that has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias
from uuid import UUID

from storage.installations import Grant
from storage.records import Accepted, Channel, Duplicate, Inbound, Json, Sighting
from storage.slack_accounts import SlackAccount
from storage.slack_messages import Rewriting, ShownMessage

# Keeps what was granted to a tenant. Raises storage.errors.Conflict where another tenant has the workspace.
SaveGrant: TypeAlias = Callable[[UUID, Grant], Awaitable[object]]


class InstallStates(Protocol):
    """The states of installations under way: each good once, for ten minutes. Raises Unavailable without Redis."""

    async def issue(self, tenant_id: UUID, claims: Mapping[str, Json]) -> str:
        """A new state, URL-safe, that stands for these claims."""

    async def redeem(self, ticket: str) -> Mapping[str, Json] | None:
        """What a state stands for, once; None for one that is unknown, used or too old."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a payload is acknowledged: 200 with or without a body; 503 or 500, and Slack sends it again."""

    status: int = 200
    body: Json = None


@dataclass(frozen=True, slots=True)
class Face:
    """How a bot greets, and what it suggests to ask."""

    greeting: str
    suggestions: tuple[str, ...]


class Accounts(Protocol):
    """Whose an account is, before anything is verified. Raises Unavailable, KeyMissing, WrongSecret, SealBroken."""

    process_secrets: tuple[str, ...]

    async def find(self, accounts: Iterable[str]) -> SlackAccount | None:
        """The first of these accounts that is open, else the first there is; None for unknown ones."""

    async def own_secrets(self) -> tuple[str, ...]:
        """The signing secrets of the apps that tenants brought along."""


class Conversations(Protocol):
    """What events lead to. `user` is a user's id as we know them. Every method but `face` may raise Unavailable."""

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        """Store one event durably, once; returning is the promise that it will be answered."""

    def face(self, channel: Channel) -> Face:
        """How the channel's bot greets."""

    async def is_engaged(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the bot talks with somebody in the thread, or did with the user."""

    async def has_open(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the user has a session open in the thread."""

    async def shown(self, channel: Channel, place: str, ts: str) -> ShownMessage | None:
        """The bot's message that Slack knows as `ts` in its channel `place`."""

    async def rewrite(self, channel: Channel, rewriting: Rewriting) -> bool:
        """Let the transcript follow an edit or a deletion; False where there is nothing to follow."""

    async def rate(self, channel: Channel, user: str, message_id: UUID, value: int) -> bool:
        """Keep the user's judgement (1 or -1, 0 takes it back) of a message that was said to them."""

    async def stop(self, channel: Channel, user: str, thread_keys: tuple[str, ...]) -> None:
        """End the turns under way in the user's sessions in these threads."""

    async def know(self, channel: Channel, user: Sighting) -> None:
        """Keep what Slack says of a user, if we know them."""

    async def revoke(self, channel: Channel, told_at: datetime | None) -> bool:
        """Forget the tokens of the channel's installation, unless it was made after `told_at`."""
