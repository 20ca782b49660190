"""Messages in channels: said, edited, deleted. Pure and total.

https://docs.slack.dev/reference/events/message and its subtypes; app_mention.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from adapters.slack.events import Deleted, Edited, Event, Ignored, Said
from adapters.slack.markup import MAX_TEXT, mentions, plain
from adapters.slack.parse_places import person_of, place_of, viewing_of
from adapters.slack.places import Origin, Person, SharedFile
from adapters.slack.untrusted import Given, entries, ident, record, stamp, text

_MOST_FILES = 20
# What a person said; every other subtype is Slack's own notice, a bot's message, or a change of an older one.
_SPOKEN = (None, "file_share", "thread_broadcast")
_SLACK_ITSELF = {"USLACK", "USLACKBOT"}


def parse_message(event: Given, origin: Origin, names: Mapping[str, str]) -> Event:
    """One `message` or `app_mention` event.

    The words are those of `text`, not of `blocks`: Slack writes it for each message that a person composes,
    with everything in it but the looks, and it is all that an edit, a mention and a file's comment agree on.
    """
    subtype = event.get("subtype")
    if subtype == "message_changed":
        return _edited(event, origin, names)
    if subtype == "message_deleted":
        return _deleted(event, origin)
    if subtype not in _SPOKEN:
        return Ignored(origin, f"subtype {str(subtype)[:40]}")
    if (reason := _unheard(event, origin)) is not None:
        return Ignored(origin, reason)
    user, place, ts = ident(event, "user"), place_of(event), stamp(event, "ts")
    if user is None or place is None or ts is None:
        return Ignored(origin, "a message without user, channel or ts")
    written = text(event, "text", MAX_TEXT) or ""
    files = (_file(each) for each in entries(event, "files", _MOST_FILES) if isinstance(each, dict))
    return Said(
        origin=origin,
        user=user,
        user_team=_team(event),
        place=place,
        ts=ts,
        text=plain(written, names, origin.bot_user_id),
        mentions_us=event.get("type") == "app_mention" or mentions(written, origin.bot_user_id),
        files=tuple(each for each in files if each is not None),
        is_thread_broadcast=subtype == "thread_broadcast",
        viewing=viewing_of(record(event, "app_context")),
        person=_profile(event, user),
    )


def _unheard(message: Given, origin: Origin) -> str | None:
    """Why the message is nobody's: bots never hear each other, or two of them would never stop."""
    if message.get("bot_id") is not None or record(message, "bot_profile"):
        return "a bot's message"
    user = message.get("user")
    if user is not None and user == origin.bot_user_id:
        return "our own message"
    if isinstance(user, str) and user in _SLACK_ITSELF:
        return "Slack's own message"
    return None


def _edited(event: Given, origin: Origin, names: Mapping[str, str]) -> Event:
    """Slack sends this also for what changes around the words: previews of links, a thread's first answer."""
    message, before = record(event, "message"), record(event, "previous_message")
    # Deleted, but the thread below it stays: Slack itself then says so in the message's place.
    is_gone = message.get("subtype") == "tombstone"
    if (reason := _unheard(before if is_gone else message, origin)) is not None:
        return Ignored(origin, reason)
    place, ts = place_of(event, thread=message), stamp(message, "ts")
    if place is None or ts is None:
        return Ignored(origin, "an edit without channel or ts")
    if is_gone:
        return Deleted(origin, ident(before, "user"), place, ts, stamp(event, "event_ts"))
    user = ident(message, "user")
    if user is None or message.get("subtype") not in _SPOKEN:
        return Ignored(origin, "an edit of nobody's words")
    if before and message.get("text") == before.get("text"):
        return Ignored(origin, "an edit that left the words alone")
    written = text(message, "text", MAX_TEXT) or ""
    return Edited(
        origin,
        user,
        _team(message),
        place,
        ts,
        plain(written, names, origin.bot_user_id),
        stamp(event, "event_ts"),
    )


def _deleted(event: Given, origin: Origin) -> Event:
    before = record(event, "previous_message")
    if (reason := _unheard(before, origin)) is not None:
        return Ignored(origin, reason)
    place = place_of(event, thread=before)
    ts = stamp(event, "deleted_ts") or stamp(before, "ts")
    if place is None or ts is None:
        return Ignored(origin, "a deletion without channel or ts")
    return Deleted(origin, ident(before, "user"), place, ts, stamp(event, "event_ts"))


def _team(message: Given) -> str | None:
    """In Slack Connect `user_team` is right where `team` may be the channel's."""
    return ident(message, "user_team") or ident(message, "source_team") or ident(message, "team")


def _profile(event: Given, user: str) -> Person | None:
    """Slack sends the profile along for people of other organisations."""
    profile = record(event, "user_profile")
    return person_of({"id": user, "profile": profile, "name": profile.get("name")}) if profile else None


def _file(file: Given) -> SharedFile | None:
    """A file; with `file_access: check_file_info` (Slack Connect) there is only an id."""
    file_id = ident(file, "id")
    if file_id is None or file.get("mode") == "tombstone":
        return None
    size = file.get("size")
    return SharedFile(
        id=file_id,
        name=text(file, "name", 255) or text(file, "title", 255) or file_id,
        type=text(file, "mimetype", 100) or "application/octet-stream",
        size=size if type(size) is int and size >= 0 else None,
        url=slack_file_url(text(file, "url_private_download") or text(file, "url_private")),
    )


def slack_file_url(url: str | None) -> str | None:
    """The URL if it leads to Slack over TLS, else None: it will be fetched with our token."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        plain_port = parts.port in (None, 443)
    except ValueError:
        return None
    host = parts.hostname or ""
    fits = parts.scheme == "https" and host.endswith(".slack.com") and plain_port and "@" not in parts.netloc
    return url if fits and url.isascii() and url.isprintable() and "\\" not in url else None
