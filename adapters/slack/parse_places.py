"""Where something happened and who did it: the parts that several kinds of payload share. Pure."""

from __future__ import annotations

from adapters.slack.places import ChannelKind, Origin, Person, Place, Viewed
from adapters.slack.untrusted import Given, entries, ident, is_true, record, stamp, text
from adapters.slack.verify import account_in

_KINDS = {
    "im": ChannelKind.DM,
    "mpim": ChannelKind.GROUP_DM,
    "channel": ChannelKind.CHANNEL,
    "group": ChannelKind.PRIVATE,
    # The agent surface calls its own direct messages so.
    "app_home": ChannelKind.DM,
}
_MOST_VIEWED = 20


def origin_of(payload: Given, bot_user_id: str | None = None) -> Origin:
    """The bot is the one given, else the one that the event is authorized for."""
    account = account_in(payload)
    authorized = next((each for each in entries(payload, "authorizations", 1) if isinstance(each, dict)), {})
    if bot_user_id is None and is_true(authorized, "is_bot"):
        bot_user_id = ident(authorized, "user_id")
    shared = payload.get("is_ext_shared_channel")
    return Origin(
        app_id=ident(payload, "api_app_id"),
        team_id=account.team_id if account else None,
        enterprise_id=account.enterprise_id if account else None,
        event_id=ident(payload, "event_id"),
        bot_user_id=bot_user_id,
        is_shared=shared if isinstance(shared, bool) else None,
    )


def kind_of(channel: str, channel_type: object) -> ChannelKind:
    """`app_mention` and interactions name no type; then the id's first letter tells as much as it can."""
    if isinstance(channel_type, str) and channel_type in _KINDS:
        return _KINDS[channel_type]
    return {"D": ChannelKind.DM, "G": ChannelKind.PRIVATE}.get(channel[:1], ChannelKind.CHANNEL)


def place_of(given: Given, thread: Given | None = None) -> Place | None:
    """The place of an event that has `channel`; `thread` is the object with `thread_ts`, if another."""
    channel = ident(given, "channel")
    if channel is None:
        return None
    thread_ts = stamp(given if thread is None else thread, "thread_ts")
    return Place(channel, kind_of(channel, given.get("channel_type")), thread_ts)


def viewing_of(context: Given) -> tuple[Viewed, ...]:
    """What is open: `entities` of the agent view, or the one channel of the older assistant view.

    https://docs.slack.dev/reference/events/app_context_changed
    https://docs.slack.dev/reference/events/assistant_thread_context_changed
    """
    channel = ident(context, "channel_id")
    if channel is not None:
        return (Viewed("channel", channel, ident(context, "team_id")),)
    given = entries(context, "entities", _MOST_VIEWED)
    viewed = (_entity(each) for each in given if isinstance(each, dict))
    return tuple(each for each in viewed if each is not None)


def _entity(entity: Given) -> Viewed | None:
    kind = (text(entity, "type") or "").rpartition("/")[2]
    team_id = ident(entity, "team_id")
    if kind == "message_context":
        value = record(entity, "value")
        channel, ts = ident(value, "channel_id"), stamp(value, "message_ts")
        return Viewed("message", channel, team_id, ts) if channel and ts else None
    found = ident(entity, "value")
    if found is None:
        return None
    known = {"channel_id": "channel", "canvas_id": "canvas", "list_id": "list"}
    return Viewed(known.get(kind, "other"), found, team_id)


def person_of(user: Given) -> Person | None:
    """A person, from `users.info`, `user_change` or a message's `user_profile`.

    https://docs.slack.dev/reference/objects/user-object
    """
    user_id = ident(user, "id")
    if user_id is None:
        return None
    profile = record(user, "profile")
    name = (
        text(profile, "display_name", 200)
        or text(profile, "real_name", 200)
        or text(user, "real_name", 200)
        or text(user, "name", 200)
    )
    return Person(
        id=user_id,
        team_id=ident(user, "team_id"),
        name=name,
        tz=text(user, "tz", 64),
        locale=text(user, "locale", 35),
        is_bot=is_true(user, "is_bot"),
        deleted=is_true(user, "deleted"),
    )
