"""A reply in Slack while it is written: a stream of Slack's own, else a draft that is updated again and again.

https://docs.slack.dev/reference/methods/chat.startStream. A stream hangs in a thread, in a channel it has one reader
who sees it grow, and it dies after about five minutes (https://github.com/slackapi/python-slack-sdk/issues/1859). What
it has said cannot be taken back. So there are drafts where there is no thread, where Slack refuses a stream or has had
too many of them, and where a later attempt says something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog

from adapters.contract import Delivery
from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.drafts import Drafts
from adapters.slack.rooms import Room
from adapters.slack.shown import Shown, ShownReplies, names_of
from adapters.slack.streaming import rotated, stream_pieces
from adapters.slack.untrusted import stamp
from storage.shortlived import ShortLived

log = structlog.get_logger("parley.slack")

# A stream is ended by us before it dies, at the end of a line if there is one in time.
ROTATE_AT_LINE_S = 210.0
ROTATE_S = 240.0
_REFUSED_FOR_S = 3600.0
# What is said of the method or the app, not of one conversation.
_EVERYWHERE = {"unknown_method", "missing_scope", "no_permission", "not_allowed_token_type", "access_denied"}


class LiveReplies:
    """Opens messages and lets them grow. Its methods raise PlatformFailed and Unavailable."""

    def __init__(
        self, calls: SlackCalls, shown: ShownReplies, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._shown = shown
        self._now = now
        self._drafts = Drafts(calls, now=now)
        self._refused: ShortLived[tuple[UUID, str], bool] = ShortLived(life=_REFUSED_FOR_S, capacity=10_000)

    async def open(self, delivery: Delivery, room: Room) -> str:
        """Open the next message of the reply, with what belongs into it of the text so far; its `ts`."""
        shown = self._shown.of(delivery) or Shown(
            list(names_of(delivery)), streams=not delivery.external_id and self._may_stream(delivery, room)
        )
        ts = await self._start(delivery, room, shown) if shown.streams else None
        if ts is None:
            went_on, shown.streams = shown.streams and bool(shown.names), False
            if went_on:
                # What was streamed is to be updated from now on, and may need no other message.
                raise PlatformFailed("Slack's chat.startStream", "refused", permanent=False, retry_after=0.0)
            ts = await self._drafts.post(delivery, room, shown)
        shown.names.append(ts)
        self._shown.keep(delivery, shown)
        return ts

    async def append(self, delivery: Delivery, room: Room) -> bool:
        """Show the text so far; False: the last message can hold no more, so `open` the next one."""
        shown = self._shown.of(delivery)
        if shown is None:
            shown = Shown(list(names_of(delivery)), streams=False)
            await self.end(delivery, room, shown.names[-1])
            self._shown.keep(delivery, shown)
        if shown.streams and shown.said.startswith(delivery.content):
            # A later attempt, which has not come as far as the one before it.
            return True
        if shown.streams and delivery.content.startswith(shown.said):
            try:
                return await self._grow(delivery, room, shown)
            except PlatformFailed as failed:
                if failed.unsure:
                    self._shown.forget(delivery)
                if failed.code != "message_not_in_streaming_state":
                    raise
        if shown.streams:
            await self.end(delivery, room, shown.names[-1])
            shown.streams, shown.open_since = False, None
        return await self._drafts.update(delivery, room, shown)

    async def end(self, delivery: Delivery, room: Room, ts: str) -> None:
        """End a stream; nothing where it is over, or never was one."""
        arguments = {"channel": room.channel, "ts": ts}
        try:
            await self._calls.call(delivery.channel, "chat.stopStream", arguments, ticket=(delivery.id, ts))
        except PlatformFailed as failed:
            if not failed.permanent:
                raise

    def _may_stream(self, delivery: Delivery, room: Room) -> bool:
        if room.thread_ts is None or _reader(delivery, room) is None:
            return False
        return not any(self._refused.get((delivery.channel.id, where)) for where in ("", room.channel))

    async def _start(self, delivery: Delivery, room: Room, shown: Shown) -> str | None:
        """Begin a stream; None where Slack does not give us one."""
        piece = next(iter(stream_pieces(delivery.content, shown.sent)), None)
        arguments = {
            "channel": room.channel,
            "thread_ts": room.thread_ts,
            "markdown_text": piece.markdown if piece else None,
            **(_reader(delivery, room) or {}),
        }
        try:
            answer = await self._calls.call(delivery.channel, "chat.startStream", arguments, wait_s=0.0)
        except PlatformFailed as failed:
            if failed.unsure:
                raise
            if failed.permanent:
                where = "" if failed.code in _EVERYWHERE else room.channel
                self._refused.keep((delivery.channel.id, where), True, self._refused.generation)
            log.info("slack_stream_refused", tenant=delivery.channel.tenant_slug, error=str(failed))
            return None
        ts = stamp(answer, "ts")
        if ts is None:
            raise PlatformFailed("Slack's chat.startStream", "no_answer", permanent=False, unsure=True)
        shown.open_since = self._now()
        if piece is not None:
            shown.sent, shown.said = piece.sent, delivery.content[: piece.sent.upto]
        return ts

    async def _grow(self, delivery: Delivery, room: Room, shown: Shown) -> bool:
        for piece in stream_pieces(delivery.content, shown.sent):
            if shown.open_since is None:
                return False
            age = self._now() - shown.open_since
            if shown.is_full:
                await self._stop(delivery, room, shown, None)
                return False
            if age >= (ROTATE_AT_LINE_S if shown.said.endswith("\n") else ROTATE_S):
                closing, sent = rotated(shown.said, shown.sent)
                await self._stop(delivery, room, shown, closing)
                shown.sent = sent
                return False
            arguments = {"channel": room.channel, "ts": shown.names[-1], "markdown_text": piece.markdown}
            await self._calls.call(delivery.channel, "chat.appendStream", arguments, wait_s=0.0)
            shown.sent, shown.said = piece.sent, delivery.content[: piece.sent.upto]
        return True

    async def _stop(self, delivery: Delivery, room: Room, shown: Shown, closing: str | None) -> None:
        arguments: dict[str, Any] = {"channel": room.channel, "ts": shown.names[-1], "markdown_text": closing}
        await self._calls.call(delivery.channel, "chat.stopStream", arguments, wait_s=0.0)
        shown.open_since = None


def _reader(delivery: Delivery, room: Room) -> dict[str, str] | None:
    """Who sees it grow, with their team, where that must be said: outside of direct messages.

    None where the team is not known, as in an organisation's installation.
    """
    if room.channel.startswith("D"):
        return {}
    team, _, user = delivery.address.rpartition("/")
    team = team or delivery.channel.account.rpartition("/")[2]
    return {"recipient_user_id": user, "recipient_team_id": team} if team.startswith("T") else None
