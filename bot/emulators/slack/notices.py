"""What Slack sends to an app, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.emulators.slack.records import Json

# As Socket Mode names them: https://docs.slack.dev/apis/events-api/using-socket-mode
NoticeKind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something for an app. `name` is the event's type, the interaction's type or the command."""

    app_id: str
    kind: NoticeKind
    name: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Answer:
    """How an app answered. `body` is its JSON or text; `failure` Slack's word for what went wrong, which is tried
    again unless it `is_final`.
    """

    body: Any = None
    failure: str | None = None
    is_final: bool = False

    @property
    def is_ok(self) -> bool:
        return self.failure is None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver: `number` 0 is the first, `reason` why it is tried again, `failure` None when it arrived."""

    number: int
    reason: str | None
    via: Literal["http", "socket"]
    failure: str | None


@dataclass(slots=True)
class Delivery:
    """A notice on its way. `answer` is there when it arrived or was given up."""

    notice: Notice
    attempts: list[Attempt] = field(default_factory=list)
    answer: Answer | None = None


Send = Callable[[Notice], "asyncio.Future[Answer]"]
