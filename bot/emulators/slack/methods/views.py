"""views.* and reactions.add."""

from __future__ import annotations

import re

from bot.emulators.slack.methods.caller import Caller, Method
from bot.emulators.slack.records import Json, View
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import view_json

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def open_(caller: Caller) -> Json:
    user, team = _opener(caller)
    return _shown(caller, caller.platform.modals.open(user, team, caller.installation, _body(caller)))


def push(caller: Caller) -> Json:
    user, team = _opener(caller)
    return _shown(caller, caller.platform.modals.push(user, team, caller.installation, _body(caller)))


def update(caller: Caller) -> Json:
    modals = caller.platform.modals
    view = modals.find(caller.arguments.text("view_id"), caller.arguments.text("external_id"))
    if view.installation.app_id != caller.app.id:
        raise Refused("not_found")
    expected = caller.arguments.text("hash")
    if expected and expected != view.hash:
        raise Refused("hash_conflict")
    return _shown(caller, modals.update(view, _body(caller)))


def publish(caller: Caller) -> Json:
    user = caller.platform.directory.users.get(caller.arguments.needed("user_id"))
    if user is None:
        raise Refused("user_not_found")
    old = caller.platform.modals.home_of(user.id, caller.app.id)
    expected = caller.arguments.text("hash")
    if expected and old is not None and expected != old.hash:
        raise Refused("hash_conflict")
    return _shown(
        caller, caller.platform.modals.publish(user.id, user.team_id, caller.installation, _body(caller))
    )


def add_reaction(caller: Caller) -> Json:
    channel = caller.visible()
    name = caller.arguments.needed("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise Refused("invalid_name")
    if "timestamp" not in caller.arguments:
        raise Refused("no_item_specified")
    message = caller.platform.transcript.get(channel.id, caller.arguments.needed("timestamp"))
    if channel.archived:
        raise Refused("is_archived")
    caller.platform.react(message, name, caller.bot, added=True)
    return {"ok": True}


def _opener(caller: Caller) -> tuple[str, str]:
    """The user whose trigger it is, and their workspace. Raises Refused."""
    user = caller.platform.modals.redeem(caller.arguments.text("trigger_id"))
    return user, caller.platform.directory.users[user].team_id


def _body(caller: Caller) -> Json:
    body = caller.arguments.mapping("view")
    if body is None:
        raise Refused("invalid_arguments", "missing required field: view")
    return body


def _shown(caller: Caller, view: View) -> Json:
    caller.platform.changed()
    return {"ok": True, "view": view_json(view)}


METHODS = {
    "views.open": Method(open_, 4),
    "views.push": Method(push, 4),
    "views.update": Method(update, 4),
    "views.publish": Method(publish, 4),
    "reactions.add": Method(add_reaction, 3, "reactions:write"),
}
