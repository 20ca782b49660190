"""That the bot is at work, shown below a thread while it is.

https://docs.slack.dev/ai/agent-sessions and https://docs.slack.dev/reference/methods/assistant.threads.setStatus
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog

from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.rooms import room_of
from storage.errors import StorageError
from storage.records import Channel
from storage.shortlived import ShortLived

log = structlog.get_logger("parley.slack")

TEXT_METHOD = "assistant.threads.setStatus"
SESSION_METHOD = "agents.sessions.setStatus"
# Slack takes a text away by itself after two minutes, or with the reply.
_SHOWN_S = 120.0
_AGAIN_S = 3.0
_NOT_THERE_S = 3600.0
_MOST_KEPT = 10_000
_REST_WAIT_S = 60.0
# What is said of the method or the app, not of one thread.
_EVERYWHERE = {"unknown_method", "missing_scope", "no_permission", "not_allowed_token_type", "access_denied"}


class Statuses:
    """Shows and clears; best effort: what Slack does not have or does not allow is not asked for within an hour."""

    def __init__(self, calls: SlackCalls, *, text: str = "is thinking…") -> None:
        self._calls = calls
        self._text = text
        self._shown: ShortLived[tuple[UUID, str], str] = ShortLived(life=_SHOWN_S, capacity=_MOST_KEPT)
        self._just_shown: ShortLived[tuple[UUID, str], bool] = ShortLived(life=_AGAIN_S, capacity=_MOST_KEPT)
        self._refused: ShortLived[tuple[UUID, str, str], bool] = ShortLived(
            life=_NOT_THERE_S, capacity=_MOST_KEPT
        )

    async def work(self, channel: Channel, thread_key: str, message_ts: str | None = None) -> None:
        """Show that an answer is on its way; never raises.

        Outside of threads it is shown below `message_ts`, the person's message, and without that not at all.
        """
        room = room_of(thread_key)
        thread_ts = (room.thread_ts or message_ts) if room else None
        key = (channel.id, thread_key)
        if room is None or thread_ts is None or self._just_shown.get(key):
            return
        _remember(self._just_shown, key, True)
        _remember(self._shown, key, thread_ts)
        place = {"channel_id": room.channel, "thread_ts": thread_ts}
        await self._ask(channel, SESSION_METHOD, {**place, "status": "processing"}, wait_s=0.0)
        await self._ask(channel, TEXT_METHOD, {**place, "status": self._text}, wait_s=0.0)

    async def rest(self, channel: Channel, thread_key: str, *, replies: bool) -> None:
        """Show nothing any more; never raises. Where a reply comes into the thread, Slack clears the text itself."""
        room, thread_ts = room_of(thread_key), self._shown.get((channel.id, thread_key))
        if room is None or thread_ts is None:
            return
        self._shown.forget((channel.id, thread_key))
        place = {"channel_id": room.channel, "thread_ts": thread_ts}
        await self._ask(channel, SESSION_METHOD, {**place, "status": "active"}, wait_s=_REST_WAIT_S)
        if not replies or room.thread_ts is None:
            await self._ask(channel, TEXT_METHOD, {**place, "status": ""}, wait_s=_REST_WAIT_S)

    async def _ask(self, channel: Channel, method: str, arguments: dict[str, Any], *, wait_s: float) -> None:
        for where in ("", str(arguments["channel_id"])):
            if self._refused.get((channel.id, method, where)):
                return
        try:
            await self._calls.call(channel, method, arguments, wait_s=wait_s)
        except PlatformFailed as failed:
            if failed.permanent:
                where = "" if failed.code in _EVERYWHERE else str(arguments["channel_id"])
                _remember(self._refused, (channel.id, method, where), True)
            log.debug("slack_status_not_shown", tenant=channel.tenant_slug, error=str(failed))
        except StorageError as error:
            log.debug("slack_status_not_shown", tenant=channel.tenant_slug, error=str(error))


def _remember(kept: ShortLived[Any, Any], key: Any, value: Any) -> None:
    kept.keep(key, value, kept.generation)
