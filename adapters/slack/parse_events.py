"""Events of the Events API other than messages. Pure and total."""

from __future__ import annotations

from adapters.slack.events import (
    ContextChanged,
    Event,
    HomeOpened,
    Ignored,
    Opened,
    Reacted,
    Stopped,
    TokensRevoked,
    Uninstalled,
    UserChanged,
)
from adapters.slack.parse_places import kind_of, person_of, place_of, viewing_of
from adapters.slack.places import Origin, Place
from adapters.slack.untrusted import Given, entries, ident, record, stamp, text

# Reactions that are feedback; others say nothing about an answer. Names as in Slack, without skin tones.
PRAISE = {
    "+1",
    "thumbsup",
    "heart",
    "white_check_mark",
    "heavy_check_mark",
    "100",
    "clap",
    "tada",
    "raised_hands",
}
BLAME = {"-1", "thumbsdown", "x", "negative_squared_cross_mark", "disappointed", "angry", "rage"}
_MOST_TOKENS = 1_000
_MOST_STREAMS = 20


def parse_other(event: Given, payload: Given, origin: Origin) -> Event:
    """One event that is no message, by its type."""
    match event.get("type"):
        case "reaction_added" | "reaction_removed":
            return _reacted(event, origin)
        case "assistant_thread_started" | "assistant_thread_context_changed":
            return _assistant(event, origin)
        case "app_home_opened":
            return _home(event, origin)
        case "app_context_changed":
            return _context(event, payload, origin)
        case "agent_session_stopped":
            return _stopped(event, origin)
        case "app_uninstalled":
            return Uninstalled(origin)
        case "tokens_revoked":
            tokens = record(event, "tokens")
            return TokensRevoked(origin, _ids(tokens, "oauth"), _ids(tokens, "bot"))
        case "user_change" | "user_profile_changed":
            person = person_of(record(event, "user"))
            return UserChanged(origin, person) if person else Ignored(origin, "a change of nobody")
    return Ignored(origin, f"event {text(event, 'type', 60) or 'without a type'}")


def _ids(given: Given, name: str) -> tuple[str, ...]:
    found = (ident({"id": each}, "id") for each in entries(given, name, _MOST_TOKENS))
    return tuple(each for each in found if each is not None)


def _reacted(event: Given, origin: Origin) -> Event:
    """https://docs.slack.dev/reference/events/reaction_added"""
    item, user = record(event, "item"), ident(event, "user")
    channel, ts = ident(item, "channel"), stamp(item, "ts")
    reaction = (text(event, "reaction", 100) or "").partition("::")[0]
    if user is None or channel is None or ts is None or item.get("type") != "message":
        return Ignored(origin, "a reaction to no message")
    if user == origin.bot_user_id:
        return Ignored(origin, "our own reaction")
    if origin.bot_user_id is None or event.get("item_user") != origin.bot_user_id:
        return Ignored(origin, "a reaction to another's message")
    value = 1 if reaction in PRAISE else -1 if reaction in BLAME else 0
    if value == 0:
        return Ignored(origin, "a reaction that is no feedback")
    if event.get("type") == "reaction_removed":
        value = 0
    return Reacted(origin, user, channel, ts, reaction, value)


def _assistant(event: Given, origin: Origin) -> Event:
    """The older assistant view: a thread of its own for each conversation."""
    thread = record(event, "assistant_thread")
    user, channel = ident(thread, "user_id"), ident(thread, "channel_id")
    if user is None or channel is None:
        return Ignored(origin, "an assistant's thread without user or channel")
    place = Place(channel, kind_of(channel, None), stamp(thread, "thread_ts"))
    viewing = viewing_of(record(thread, "context"))
    if event.get("type") == "assistant_thread_started":
        return Opened(origin, user, place, viewing)
    return ContextChanged(origin, user, place, viewing)


def _home(event: Given, origin: Origin) -> Event:
    """Tab `messages` is the conversation; the agent view has no event of its own for being opened.

    https://docs.slack.dev/reference/events/app_home_opened
    """
    user, place = ident(event, "user"), place_of(event)
    if user is None:
        return Ignored(origin, "a home without user")
    if event.get("tab") == "home":
        return HomeOpened(origin, user, ident(record(event, "view"), "id"))
    if event.get("tab") != "messages" or place is None:
        return Ignored(origin, "a tab that is neither home nor messages")
    return Opened(origin, user, place, viewing_of(record(event, "context") or record(event, "app_context")))


def _context(event: Given, payload: Given, origin: Origin) -> Event:
    """Slack's documentation shows it without a user: then it is the person whom the event is authorized for."""
    people = (
        ident(each, "user_id")
        for each in entries(payload, "authorizations", 10)
        if isinstance(each, dict) and each.get("is_bot") is False
    )
    user = ident(event, "user") or next((each for each in people if each), None)
    if user is None:
        return Ignored(origin, "a context of nobody")
    return ContextChanged(origin, user, place_of(event), viewing_of(record(event, "context")))


def _stopped(event: Given, origin: Origin) -> Event:
    """https://docs.slack.dev/reference/events/agent_session_stopped"""
    user, place = ident(event, "user"), place_of(event)
    if user is None or place is None:
        return Ignored(origin, "a stop without user or channel")
    listed = [{"ts": each} for each in entries(event, "streaming_message_ts", _MOST_STREAMS)]
    streams = tuple(ts for each in [*listed, {"ts": event.get("message_ts")}] if (ts := stamp(each, "ts")))
    return Stopped(origin, user, place, streams)
