"""What Slack says about an installation itself: it is gone, or gets more events than it may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from adapters.slack.events import RateLimited, TokensRevoked, Uninstalled
from adapters.slack.ports import Conversations
from storage.installations import Installation
from storage.records import Channel

log = structlog.get_logger("parley.slack")


class Lifecycle:
    """Ends installations. `app_uninstalled` and `tokens_revoked` come in no order, and both may come."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def ended(
        self,
        channel: Channel,
        installation: Installation,
        event: Uninstalled | TokensRevoked,
        payload: Mapping[str, Any],
    ) -> str:
        """Forget the tokens, if it is our bot's that are gone. Raises Unavailable."""
        match event:
            case TokensRevoked(bots=bots):
                # Users' own tokens are none of ours.
                is_ours = bool(bots) and installation.bot_user_id in (None, *bots)
            case Uninstalled(origin=origin):
                # One workspace of an organisation gave it up; the organisation has it still.
                is_ours = installation.team_id is not None or origin.team_id in (
                    None,
                    installation.enterprise_id,
                )
        if not is_ours:
            return "ignored"
        revoked = await self._conversations.revoke(channel, _told_at(payload))
        if revoked:
            log.warning("slack_uninstalled", tenant=str(channel.tenant_id), account=channel.account)
        return "ended" if revoked else "ignored"

    def rate_limited(self, channel: Channel, event: RateLimited) -> str:
        """Slack drops the workspace's events of a minute: https://docs.slack.dev/reference/events/app_rate_limited"""
        log.warning(
            "slack_events_dropped",
            tenant=str(channel.tenant_id),
            account=channel.account,
            minute=event.minute,
            hint="over 30,000 events an hour: take the bot out of channels where it is not needed",
        )
        return "rate_limited"


def _told_at(payload: Mapping[str, Any]) -> datetime | None:
    """When it happened, as Slack says: an app may have been installed again before the event came.

    Slack tells whole seconds; the end of that second is meant.
    """
    seconds = payload.get("event_time")
    if type(seconds) is not int or not 0 < seconds < 2**33:
        return None
    return datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=999)
