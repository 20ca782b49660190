"""The sending side of the Slack adapter against the emulator, with slack_sdk's own client between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from adapters.contract import Delivery
from adapters.slack.adapter import SlackAdapter
from adapters.slack.calling import SlackCalls
from adapters.slack.pacing import Pacer
from adapters.slack.uploads import Uploads
from adapters.slack.web_api import open_http
from bot.emulators.slack.server import SlackEmulator
from storage.records import Channel, ContentType


@dataclass
class FixedTokens:
    """Tokens that a test sets; `refused` are the (token, code) that were asked about."""

    token: str
    others: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    async def of(self, channel: Channel) -> str:
        return self.token

    async def instead(self, channel: Channel, refused: str, code: str) -> str | None:
        self.refused.append((refused, code))
        return self.others.get(refused)


class Watch:
    """A clock in seconds, which sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Sending:
    """One workspace's channel and what sends to it. `files` are what replies' URLs lead to."""

    slack: SlackEmulator
    channel: Channel
    tokens: FixedTokens
    watch: Watch
    calls: SlackCalls
    adapter: SlackAdapter
    files: dict[str, bytes]

    def delivery(self, content: str | Mapping[str, Any] = "Hello", **more: Any) -> Delivery:
        """A reply to Ada in her direct message, unless `more` says otherwise."""
        is_rich = not isinstance(content, str)
        given = Delivery(
            id=str(UUID(int=77)),
            channel=self.channel,
            address=self.slack.person("Ada").id,
            thread_key=self.slack.person("Ada").dm.id,
            content=orjson.dumps(content).decode() if is_rich else content,
            content_type=ContentType.RICH if is_rich else ContentType.TEXT,
            attempt=1,
            created_at=datetime.now(UTC),
        )
        return replace(given, **more)

    def methods(self) -> list[str]:
        """What was called, in order."""
        return [call.method for call in self.slack.calls]

    def restarted(self) -> SlackAdapter:
        """An adapter that knows nothing of what was sent, as another process has it."""

        async def read(_: UUID, url: str) -> bytes | None:
            return self.files.get(url)

        return SlackAdapter(self.calls, Uploads(self.calls, read), now=self.watch)


@asynccontextmanager
async def sending(slack: SlackEmulator) -> AsyncIterator[Sending]:
    account = f"{slack.app.id}/{slack.workspace.id}"
    channel = Channel(UUID(int=1), UUID(int=2), "slack", account, "acme")
    # Nobody listens to what happens there.
    slack.configure(events=frozenset())
    tokens, watch = FixedTokens(slack.bot_token), Watch()
    async with open_http() as http:
        pacer = Pacer(now=watch, jitter=lambda: 0.0)
        calls = SlackCalls(tokens, pacer, http=http, api_base_url=slack.api_url, sleep=watch.sleep)
        made = Sending(slack, channel, tokens, watch, calls, None, {})  # type: ignore[arg-type]
        made.adapter = made.restarted()
        yield made
