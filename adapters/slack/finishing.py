"""The end of a reply that was shown while it was written."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from adapters.contract import Delivery
from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.letter import cites
from adapters.slack.live import LiveReplies
from adapters.slack.receipts import metadata_of
from adapters.slack.render import render, text_of
from adapters.slack.rooms import Room
from adapters.slack.shown import Shown, ShownReplies
from adapters.slack.streaming import stream_pieces

log = structlog.get_logger("parley.slack")


class Finishing:
    """Ends streams. Its methods raise PlatformFailed and Unavailable."""

    def __init__(self, calls: SlackCalls, shown: ShownReplies, live: LiveReplies) -> None:
        self._calls = calls
        self._shown = shown
        self._live = live

    async def finish(self, delivery: Delivery, room: Room, names: Sequence[str]) -> bool:
        """End what is shown with what it lacks of the text and all that goes below; False: its messages are to change.

        It can be so where this process knows for certain what the stream has said, and the reply begins with that.
        """
        shown = self._shown.of(delivery)
        self._shown.forget(delivery)
        if shown is not None and (rest := _rest(delivery, shown)) is not None:
            arguments = {
                "channel": room.channel,
                "ts": shown.names[-1],
                **rest,
                "metadata": metadata_of(delivery.id, 0),
            }
            ticket = (delivery.id, shown.names[-1])
            try:
                await self._calls.call(delivery.channel, "chat.stopStream", arguments, ticket=ticket)
            except PlatformFailed as failed:
                if not failed.unsure and not failed.permanent:
                    self._shown.keep(delivery, shown)
                if not failed.permanent:
                    raise
                # It died, the person stopped it, or the blocks are refused: a change says it all.
                log.info("slack_stream_not_ended", delivery=delivery.id, error=str(failed))
            else:
                return True
        await self._end(delivery, room, names, shown)
        return False

    async def end(self, delivery: Delivery, room: Room, names: Sequence[str]) -> None:
        """End the stream that may still run, so that its message can be changed or deleted."""
        shown = self._shown.of(delivery)
        self._shown.forget(delivery)
        await self._end(delivery, room, names, shown)

    async def _end(self, delivery: Delivery, room: Room, names: Sequence[str], shown: Shown | None) -> None:
        if names and (shown is None or shown.open_since is not None):
            await self._live.end(delivery, room, names[-1])


def _rest(delivery: Delivery, shown: Shown) -> dict[str, object] | None:
    """What a stream is to be ended with; None where that does not make it the reply."""
    text = text_of(delivery.content, delivery.content_type)
    if shown.open_since is None or not text.startswith(shown.said):
        return None
    feedback = delivery.id if cites(delivery.content, delivery.content_type) else None
    below = render(delivery.content, delivery.content_type, feedback=feedback, text_shown=True)
    pieces = stream_pieces(text, shown.sent, done=True)
    if len(below) > 1 or any(message.upload for message in below):
        return None
    if len(pieces) > 1 or (pieces and shown.is_full):
        return None
    return {
        "markdown_text": pieces[0].markdown if pieces else None,
        "blocks": [block for message in below for block in message.blocks] or None,
    }
