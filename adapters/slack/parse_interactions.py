"""Buttons, modals and slash commands. Pure and total.

https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.slack.events import Closed, Commanded, Event, Ignored, Pressed, Rated, Submitted
from adapters.slack.marks import FEEDBACK_ACTION, LINK_ACTION, read_rating
from adapters.slack.markup import MAX_TEXT, plain
from adapters.slack.parse_places import kind_of
from adapters.slack.places import Origin, Place
from adapters.slack.untrusted import Given, entries, ident, record, stamp, text

_MOST_BLOCKS = 100
_MOST_CHOSEN = 100
_LONGEST_TRIGGER = 200
_CHOSEN_ONE = (
    "selected_user",
    "selected_conversation",
    "selected_channel",
    "selected_date",
    "selected_time",
    "value",
)
_CHOSEN_MANY = ("selected_users", "selected_conversations", "selected_channels")


def parse_pressed(payload: Given, origin: Origin) -> Event:
    """A `block_actions` payload: what its first action did."""
    user, team = _who(payload)
    action = next((each for each in entries(payload, "actions", 1) if isinstance(each, dict)), None)
    if user is None or action is None:
        return Ignored(origin, "an action without user or element")
    action_id = text(action, "action_id", 255) or ""
    if action_id.startswith(LINK_ACTION):
        return Ignored(origin, "a link was opened")
    message, container = record(payload, "message"), record(payload, "container")
    place = _place(payload, message, container)
    value = value_of(action)
    message_ts = stamp(message, "ts") or stamp(container, "message_ts")
    trigger_id, action_ts = text(payload, "trigger_id", _LONGEST_TRIGGER), stamp(action, "action_ts")
    if action_id == FEEDBACK_ACTION:
        rating = read_rating(value) if isinstance(value, str) else None
        if rating is None or place is None:
            return Ignored(origin, "a rating of nothing")
        message_id, score = rating
        return Rated(origin, user, team, place, message_id, score, message_ts, trigger_id, action_ts)
    return Pressed(
        origin=origin,
        user=user,
        user_team=team,
        action_id=action_id,
        block_id=text(action, "block_id", 255) or "",
        value=value,
        label=_label(action),
        action_ts=action_ts,
        trigger_id=trigger_id,
        place=place,
        message_ts=message_ts,
        view_id=ident(record(payload, "view"), "id"),
        response_url=text(payload, "response_url"),
        answers=_answers(record(payload, "state") or record(payload, "view", "state")),
    )


def parse_view(payload: Given, origin: Origin) -> Event:
    """A `view_submission` or `view_closed` payload."""
    user, team = _who(payload)
    view = record(payload, "view")
    view_id = ident(view, "id")
    if user is None or view_id is None:
        return Ignored(origin, "a view without user or id")
    callback_id = text(view, "callback_id", 255) or ""
    private = text(view, "private_metadata") or ""
    if payload.get("type") == "view_closed":
        return Closed(origin, user, view_id, callback_id, private)
    return Submitted(
        origin=origin,
        user=user,
        user_team=team,
        view_id=view_id,
        callback_id=callback_id,
        version=ident(view, "hash"),
        private=private,
        answers=_answers(record(view, "state")),
        trigger_id=text(payload, "trigger_id", _LONGEST_TRIGGER),
    )


def parse_command(payload: Given, origin: Origin, names: Mapping[str, str]) -> Event:
    """The form of a slash command, which is never sent from within a thread."""
    user, channel = ident(payload, "user_id"), ident(payload, "channel_id")
    command = text(payload, "command", 64) or ""
    if user is None or channel is None or not command.startswith("/"):
        return Ignored(origin, "a command without user, channel or name")
    return Commanded(
        origin=origin,
        user=user,
        user_team=ident(payload, "team_id"),
        place=Place(channel, kind_of(channel, _channel_type(payload))),
        command=command,
        text=plain(text(payload, "text", MAX_TEXT) or "", names).strip(),
        trigger_id=text(payload, "trigger_id", _LONGEST_TRIGGER),
        response_url=text(payload, "response_url"),
    )


def value_of(element: Given) -> str | tuple[str, ...] | None:
    """What an element holds: a button's value, the chosen option or options, a date, a typed text."""
    if isinstance(element.get("selected_option"), dict):
        return text(record(element, "selected_option"), "value")
    if "selected_options" in element:
        chosen = entries(element, "selected_options", _MOST_CHOSEN)
        return tuple(found for each in chosen if (found := text(record(each), "value")) is not None)
    for name in _CHOSEN_MANY:
        if name in element:
            return tuple(each for each in entries(element, name, _MOST_CHOSEN) if isinstance(each, str))
    moment = element.get("selected_date_time")
    if type(moment) is int:
        return str(moment)
    return next((found for name in _CHOSEN_ONE if (found := text(element, name)) is not None), None)


def _label(action: Given) -> str:
    """The words that were pressed or chosen, as the transcript shows them."""
    shown = record(action, "selected_option", "text") or record(action, "text")
    value = value_of(action)
    fallback = ", ".join(value) if isinstance(value, tuple) else value
    return text(shown, "text") or fallback or ""


def _answers(state: Given) -> dict[tuple[str, str], str | tuple[str, ...]]:
    found: dict[tuple[str, str], str | tuple[str, ...]] = {}
    for block_id, elements in _first(record(state, "values")):
        for action_id, element in _first(record(elements)):
            value = value_of(record(element))
            if value is not None:
                found[block_id, action_id] = value
    return found


def _first(given: Given) -> list[tuple[str, Any]]:
    return list(given.items())[:_MOST_BLOCKS]


def _who(payload: Given) -> tuple[str | None, str | None]:
    user = record(payload, "user")
    return ident(user, "id"), ident(user, "team_id")


def _place(payload: Given, message: Given, container: Given) -> Place | None:
    channel = ident(record(payload, "channel"), "id") or ident(container, "channel_id")
    if channel is None:
        return None
    name = record(payload, "channel").get("name")
    thread_ts = stamp(message, "thread_ts") or stamp(container, "thread_ts")
    return Place(channel, kind_of(channel, _channel_type({"channel_name": name})), thread_ts)


def _channel_type(given: Given) -> str | None:
    """Interactions name the channel instead of its type, and some names are Slack's own."""
    name = given.get("channel_name")
    if not isinstance(name, str):
        return None
    if name.startswith("mpdm-"):
        return "mpim"
    return {"directmessage": "im", "privategroup": "group"}.get(name)
