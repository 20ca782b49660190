"""What events speak of: installations, places, people, files. `events.py` has the events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ChannelKind(StrEnum):
    DM = "dm"
    GROUP_DM = "group_dm"
    CHANNEL = "channel"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Origin:
    """The installation that was told, and the event's id, which stays the same over Slack's retries.

    `is_shared`: the channel is shared with another organisation; None where the payload does not say.
    Interactions have no event id, and do not name the bot.
    """

    app_id: str | None = None
    team_id: str | None = None
    enterprise_id: str | None = None
    event_id: str | None = None
    bot_user_id: str | None = None
    is_shared: bool | None = None


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file in a message. `url` is Slack's own and needs our token; None where `files.info` must be asked."""

    id: str
    name: str
    type: str
    size: int | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Viewed:
    """Something a person has open beside the conversation: `kind` is channel, message, canvas, list or other.

    `ts` is a message's.
    """

    kind: str
    id: str
    team_id: str | None = None
    ts: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack knows of a user; `team_id` is their own team."""

    id: str
    team_id: str | None = None
    name: str | None = None
    tz: str | None = None
    locale: str | None = None
    is_bot: bool = False
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened. `thread_ts` is set in a thread, also on the message that it began with."""

    channel: str
    kind: ChannelKind
    thread_ts: str | None = None
