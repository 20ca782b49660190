"""Slack's inbound side on recorded payloads: what it asks of the runtime and of Slack is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from adapters.errors import PlatformFailed
from adapters.slack.arrivals import OUTCOMES, Arrivals
from adapters.slack.asides import Asides
from adapters.slack.bolt import Bolt
from adapters.slack.errands import Errands
from adapters.slack.lifecycle import Lifecycle
from adapters.slack.people import People
from adapters.slack.ports import Face
from adapters.slack.presses import Presses
from adapters.slack.words import Words
from storage.installations import Installation, Tokens
from storage.records import (
    Accepted,
    Channel,
    ContentType,
    Duplicate,
    Inbound,
    MessageStatus,
    Sender,
    Sighting,
    StoredMessage,
)
from storage.slack_messages import Rewriting, ShownMessage

ID = UUID(int=7)
THEN = datetime(2026, 3, 2, tzinfo=UTC)


def installed(**more: Any) -> Installation:
    given: dict[str, Any] = {
        "tenant_id": UUID(int=1),
        "id": ID,
        "channel_id": UUID(int=2),
        "app_id": "A123ABC456",
        "team_id": "T123ABC456",
        "enterprise_id": None,
        "team_name": "Acme",
        "bot_user_id": "U0BOT00001",
        "bot_id": "B0BOT00001",
        "scopes": (),
        "tokens": Tokens("xoxb-1"),
        "token_version": 1,
        "refresh_at": None,
        "refresh_error": None,
        "installed_by": None,
        "installed_at": THEN,
        "revoked_at": None,
    }
    return Installation(**{**given, **more})


def accepted() -> Accepted:
    message = StoredMessage(
        ID, ID, ID, 1, 1, 1, Sender.USER, "", ContentType.TEXT, MessageStatus.COMPLETED, None, THEN
    )
    return Accepted(ID, ID, message, None, None)


@dataclass
class Runtime:
    """What the events led to; `engaged`, `open` and `messages` are what it answers, `error` what it raises."""

    inbounds: list[Inbound] = field(default_factory=list)
    rewritten: list[Rewriting] = field(default_factory=list)
    rated: list[tuple[str, UUID, int]] = field(default_factory=list)
    stopped: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    known: list[Sighting] = field(default_factory=list)
    revoked: list[datetime | None] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    engaged: set[str] = field(default_factory=set)
    open: set[tuple[str, str]] = field(default_factory=set)
    messages: dict[tuple[str, str], ShownMessage] = field(default_factory=dict)
    error: Exception | None = None
    duplicate: bool = False

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        if self.error is not None:
            raise self.error
        self.inbounds.append(inbound)
        return Duplicate(ID, ID, None) if self.duplicate else accepted()

    def face(self, channel: Channel) -> Face:
        return Face("Hello.", ("What is new?",))

    async def is_engaged(self, channel: Channel, thread_key: str, user: str) -> bool:
        self.asked.append((thread_key, user))
        return thread_key in self.engaged

    async def has_open(self, channel: Channel, thread_key: str, user: str) -> bool:
        return (thread_key, user) in self.open

    async def shown(self, channel: Channel, place: str, ts: str) -> ShownMessage | None:
        return self.messages.get((place, ts))

    async def rewrite(self, channel: Channel, rewriting: Rewriting) -> bool:
        self.rewritten.append(rewriting)
        return True

    async def rate(self, channel: Channel, user: str, message_id: UUID, value: int) -> bool:
        self.rated.append((user, message_id, value))
        return True

    async def stop(self, channel: Channel, user: str, thread_keys: tuple[str, ...]) -> None:
        self.stopped.append((user, thread_keys))

    async def know(self, channel: Channel, user: Sighting) -> None:
        self.known.append(user)

    async def revoke(self, channel: Channel, told_at: datetime | None) -> bool:
        self.revoked.append(told_at)
        return True


@dataclass
class Slack:
    """Stands where SlackCalls stands; a method in `failing` fails with its error, one in `answers` answers that."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: dict[str, PlatformFailed] = field(default_factory=dict)
    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def call(
        self, channel: Channel, method: str, arguments: Mapping[str, Any], *, wait_s: float = 0.0
    ) -> Mapping[str, Any]:
        self.calls.append((method, {name: value for name, value in arguments.items() if value is not None}))
        if method in self.failing:
            raise self.failing[method]
        return {
            "users.info": {
                "user": {"id": arguments.get("user"), "tz": "Europe/Berlin", "real_name": "Ada L"}
            },
            "conversations.open": {"channel": {"id": "D0OURS"}},
            **self.answers,
        }.get(method, {})

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]


class Inbox:
    """Everything behind the gate."""

    def __init__(self, channel: Channel, errands: Errands) -> None:
        self.channel = channel
        self.runtime, self.slack, self.errands = Runtime(), Slack(), errands
        self.installation = installed()
        self.outcomes: list[str] = []
        self.retired: list[tuple[str, str, str | None]] = []
        self.whispered: list[tuple[str | None, str]] = []
        asides = Asides(self.slack, "https://slack.com/api/")  # type: ignore[arg-type]
        asides.whisper = self._whisper  # type: ignore[method-assign]
        people = People(asides, errands, self.runtime.know)
        presses = Presses(self.runtime, asides, people, errands, self._retire, Words(), look_again_s=())
        self.arrivals = Arrivals(
            self.runtime,
            asides,
            people,
            errands,
            presses,
            Lifecycle(self.runtime),
            self.outcomes.append,
            Words(),
        )
        self.bolt = Bolt(self.arrivals.take, self._installed, "https://slack.com/api/")

    async def take(self, payload: dict[str, Any]) -> str:
        """What became of a payload, in a word, once everything was done about it."""
        answer = await self.bolt.deliver(self.channel, payload)
        assert answer.status == 200
        self.answer = answer.body
        await self.errands.settle()
        assert self.outcomes[-1] in OUTCOMES
        return self.outcomes[-1]

    async def _installed(self, channel: Channel) -> Installation:
        return self.installation

    async def _retire(self, channel: Channel, place: str, ts: str, message: Any, chosen: str | None) -> None:
        self.retired.append((place, ts, chosen))

    async def _whisper(self, url: str | None, text: str) -> None:
        self.whispered.append((url, text))
