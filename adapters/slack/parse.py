"""From a verified payload to what it means for us. Pure and total: what is unknown or ill-shaped is Ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.slack.events import Event, Ignored, RateLimited, Verification
from adapters.slack.parse_events import parse_other
from adapters.slack.parse_interactions import parse_command, parse_pressed, parse_view
from adapters.slack.parse_messages import parse_message
from adapters.slack.parse_places import origin_of
from adapters.slack.untrusted import record, text


def parse(
    payload: Mapping[str, Any], *, bot_user_id: str | None = None, names: Mapping[str, str] | None = None
) -> Event:
    """One payload of the Events API, of an interaction, or the form of a slash command.

    `bot_user_id` is the installation's, where the payload does not name it. `names` of people by user id
    are put in for mentions.
    """
    known = names or {}
    origin = origin_of(payload, bot_user_id)
    match payload.get("type"):
        case "url_verification":
            challenge = text(payload, "challenge")
            return (
                Verification(challenge) if challenge else Ignored(origin, "a verification without challenge")
            )
        case "event_callback":
            event = record(payload, "event")
            if event.get("type") in ("message", "app_mention"):
                return parse_message(event, origin, known)
            return parse_other(event, payload, origin)
        case "app_rate_limited":
            minute = payload.get("minute_rate_limited")
            return RateLimited(origin, minute if type(minute) is int else None)
        case "block_actions":
            return parse_pressed(payload, origin)
        case "view_submission" | "view_closed":
            return parse_view(payload, origin)
        case None if "command" in payload:
            return parse_command(payload, origin, known)
    return Ignored(origin, f"payload {text(payload, 'type', 60) or 'without a type'}")
