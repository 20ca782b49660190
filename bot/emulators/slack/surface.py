"""The agent surface: what an app shows beside a thread, and the sessions that a person can stop.

https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.emulators.slack.ids import Clock

# A status that nothing follows goes away: https://docs.slack.dev/reference/methods/assistant.threads.setStatus
STATUS_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Thread:
    """What an app has set on a thread. `session` is an agent session's status, None without one."""

    channel: str
    ts: str
    status: str = ""
    status_at: float = 0.0
    title: str = ""
    prompts: tuple[Mapping[str, Any], ...] = ()
    session: str | None = None
    session_of: str = ""


class Surface:
    """Keeps the threads; one without a ts is the whole direct message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads: dict[tuple[str, str], Thread] = {}

    def of(self, channel: str, ts: str | None) -> Thread:
        """A thread as it stands now."""
        thread = self._threads.get((channel, ts or ""), Thread(channel, ts or ""))
        if thread.status and thread.status_at + STATUS_SECONDS <= self._clock():
            return replace(thread, status="")
        return thread

    def in_channel(self, channel: str) -> list[Thread]:
        return [self.of(*key) for key in self._threads if key[0] == channel]

    def change(self, channel: str, ts: str | None, **fields: Any) -> Thread:
        """Set some of a thread's fields."""
        if "status" in fields:
            fields["status_at"] = self._clock()
        thread = replace(self.of(channel, ts), **fields)
        self._threads[channel, ts or ""] = thread
        return thread

    def replied(self, channel: str, ts: str | None) -> None:
        """The app has answered: its status goes."""
        if self.of(channel, ts).status:
            self.change(channel, ts, status="")
