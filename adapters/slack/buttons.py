"""Taking the buttons away from a message of ours, once one of them was pressed or they have expired."""

from __future__ import annotations

import structlog

from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.message import MOST_TEXT_BYTES, Message, retired
from storage.errors import StorageError
from storage.records import Channel

log = structlog.get_logger("parley.slack")

# It happens beside the turn, so it may wait for its place.
_LONGEST_WAIT_S = 20.0


class Buttons:
    """Changes messages; best effort, since an old button does no harm."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls

    async def retire(
        self, channel: Channel, room: str, message_ts: str, message: Message, chosen: str | None
    ) -> bool:
        """Show `chosen` in place of the message's choices, None: they expired. Whether it was done; never raises.

        `room` is Slack's channel, `message` what stands there now: as it was rendered, or as Slack sends it along
        with a press (`Message(text, blocks)`).
        """
        changed = retired(message, chosen)
        arguments = {
            "channel": room,
            "ts": message_ts,
            "text": changed.text if len(changed.text.encode()) <= MOST_TEXT_BYTES else "…",
            "blocks": list(changed.blocks),
            "parse": "none",
            "link_names": False,
        }
        try:
            await self._calls.call(channel, "chat.update", arguments, wait_s=_LONGEST_WAIT_S)
        except (PlatformFailed, StorageError) as failed:
            log.info("slack_buttons_stay", tenant=channel.tenant_slug, error=str(failed))
            return False
        return True
