"""From what Slack told us to what is accepted: keys, thread, person. Pure."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from adapters.slack.events import Commanded, Event, Pressed, Rated, Said, Submitted, Verification
from adapters.slack.markup import MAX_TEXT
from adapters.slack.places import ChannelKind, Origin, Person, Place
from storage.records import Channel, EntryKind, Inbound, Json, Sighting

Moving: TypeAlias = Said | Pressed | Commanded
# The command of our manifest, which only calls the bot; any other is part of what is said.
CALLING = "/parley"


def thread_key(place: Place, ts: str | None = None) -> str:
    """The session's thread: the channel in a direct message, else channel and thread.

    `ts` is the message itself, which begins the thread where it is in none. Outside direct messages one of
    the two must be known, or every conversation of the channel would be one.
    """
    root = place.thread_ts
    if root is None and place.kind is not ChannelKind.DM:
        root = ts
    return place.channel if root is None else f"{place.channel}:{root}"


def addressed(said: Said, engaged: bool) -> bool:
    """Whether a message is for the bot; `engaged`: the bot has a session with somebody in its thread.

    A message that is not claims only its event's id (`dedupe_keys(…)[:1]`): the mention that follows under
    another event id is the same message.
    """
    if said.place.kind is ChannelKind.DM or said.mentions_us:
        return True
    return engaged and said.place.thread_ts is not None


def external_id(user: str, user_team: str | None, origin: Origin, channel: Channel) -> str:
    """The user's id; with their own team in front of it where they are of another organisation.

    Events say whether the channel is shared with one. Interactions do not, and may name the presser's team as
    the payload's, so there the installation's counts. In an organisation a user has one id in all workspaces.
    """
    ours = {None, channel.account.rpartition("/")[2], origin.enterprise_id}
    if origin.is_shared is None:
        is_ours = user_team in ours or origin.enterprise_id is not None
    else:
        is_ours = not origin.is_shared or user_team in ours or user_team == origin.team_id
    return user if is_ours else f"{user_team}/{user}"


def dedupe_keys(event: Event) -> tuple[str, ...]:
    """All keys by which a repeat of the event is known, the event's own first."""
    match event:
        case Verification():
            return ()
        case Said(place=place, ts=ts):
            return (*_event_key(event.origin), f"message/{place.channel}/{ts}")
        case Pressed(message_ts=ts) | Rated(message_ts=ts):
            trigger = (f"action/{event.trigger_id}",) if event.trigger_id else ()
            return (*trigger, *((f"action/{ts}/{event.action_ts}",) if ts and event.action_ts else ()))
        case Commanded(trigger_id=trigger_id):
            return (f"command/{trigger_id}",) if trigger_id else ()
        case Submitted(view_id=view_id, version=version):
            return (f"view/{view_id}/{version or ''}",)
        case _:
            return _event_key(event.origin)


def to_inbound(event: Moving, channel: Channel, person: Person | None = None) -> Inbound:
    """What is accepted for the channel that the payload was verified for.

    `person` is what `users.info` said of the user. Of the payload only what names things is kept: it holds
    Slack's token, URLs that anybody may answer by, and other people's words. Raises ValueError for a press
    that is in no conversation (a view's) or that cannot be told from its repeat.
    """
    keys = dedupe_keys(event)
    if not keys:
        raise ValueError("nothing in the payload tells a repeat from another event")
    content: str
    payload: Json
    ts: str | None
    match event:
        case Said():
            content, kind, payload, ts = event.text, EntryKind.MESSAGE, None, event.ts
            thread = thread_key(event.place, event.ts)
            person = person or event.person
        case Pressed():
            if event.place is None:
                raise ValueError("pressed in a view, which is no conversation")
            value = event.value
            payload = [*value] if isinstance(value, tuple) else value
            content, kind, ts = event.label, EntryKind.ACTION, None
            thread = thread_key(event.place, event.message_ts)
        case Commanded():
            content, kind, payload, ts = _spoken(event), EntryKind.MESSAGE, None, None
            thread = thread_key(event.place)
        case _:
            assert_never(event)
    return Inbound(
        channel=channel,
        user=sighting(external_id(event.user, event.user_team, event.origin, channel), person),
        dedupe_keys=keys,
        content=content[:MAX_TEXT],
        kind=kind,
        payload=payload,
        thread_key=thread,
        external_message_id=ts,
        raw_payload=_kept(event),
    )


def _spoken(event: Commanded) -> str:
    if event.command == CALLING and event.text:
        return event.text
    return f"{event.command} {event.text}".strip()


def sighting(user: str, person: Person | None) -> Sighting:
    """The user, by the id that they have here, with what is known of them."""
    if person is None:
        return Sighting(user)
    known: dict[str, Json] = {"name": person.name, "tz": person.tz}
    return Sighting(user, person.locale, {name: value for name, value in known.items() if value is not None})


def _kept(event: Moving) -> Json:
    origin, place = event.origin, event.place
    kept: dict[str, Json] = {
        "event_id": origin.event_id,
        "team": origin.team_id,
        "user_team": event.user_team,
        "channel": place.channel if place else None,
        "thread_ts": place.thread_ts if place else None,
    }
    match event:
        case Said():
            kept |= {"ts": event.ts, "files": [file.id for file in event.files]}
            kept["viewing"] = [viewed.id for viewed in event.viewing]
        case Pressed():
            kept |= {
                "message_ts": event.message_ts,
                "action_id": event.action_id,
                "action_ts": event.action_ts,
            }
        case Commanded():
            kept["command"] = event.command
    return {name: value for name, value in kept.items() if value}


def _event_key(origin: Origin) -> tuple[str, ...]:
    return (f"event/{origin.event_id}",) if origin.event_id else ()
