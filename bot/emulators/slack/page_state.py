"""What the page shows to a user, as one piece of JSON."""

from __future__ import annotations

from dataclasses import asdict

from bot.emulators.slack.person import Person
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Channel, Json, Message
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.wire import view_json

# The newest so many messages of a conversation.
MOST_MESSAGES = 300


def state_for(platform: Platform, person: Person) -> Json:
    """The whole state: a few hundred messages at most, read again after each change."""
    directory = platform.directory
    app = _app(platform, person)
    rooms = [channel for channel in directory.channels.values() if person.id in channel.members]
    home = None if app is None else platform.modals.home_of(person.id, app.id)
    return {
        "me": person.id,
        "workspace": directory.workspaces[person.user.team_id].name,
        "people": [
            {"id": user.id, "name": user.real_name, "workspace": directory.workspaces[user.team_id].name}
            for user in directory.users.values()
            if user.bot_id is None
        ],
        "names": {user.id: user.real_name for user in directory.users.values()},
        "app": None if app is None else _app_shown(app, person),
        "install_url": _install_url(platform),
        "channels": [_channel(platform, channel, person) for channel in rooms],
        "channel_names": {channel.id: channel.name for channel in directory.channels.values()},
        "threads": [
            asdict(thread) for channel in rooms for thread in platform.surface.in_channel(channel.id)
        ],
        "view": view_json(person.view) if person.view else None,
        "home": view_json(home) if home else None,
    }


def _app(platform: Platform, person: Person) -> App | None:
    """The app in the user's workspace, with the direct message open."""
    try:
        app = platform.app_of(person.app)
    except Refused:
        return None
    _ = person.dm
    return app


def _app_shown(app: App, person: Person) -> Json:
    return {
        "name": app.name,
        "bot": person.app.bot_user_id,
        "dm": person.dm.id,
        "command": app.command,
        "can_be_stopped": "agent_session_stopped" in app.events,
    }


def _channel(platform: Platform, channel: Channel, person: Person) -> Json:
    others = [member for member in channel.members if member != person.id]
    named = channel.name or ", ".join(platform.directory.users[other].real_name for other in others)
    return {
        "id": channel.id,
        "name": named,
        "kind": channel.kind,
        "is_archived": channel.archived,
        "messages": [
            _message(platform, message)
            for message in platform.transcript.in_channel(channel.id)[-MOST_MESSAGES:]
            if message.ephemeral_to in (None, person.id)
        ],
    }


def _message(platform: Platform, message: Message) -> Json:
    shown = platform.show(message)
    shown |= {"channel": message.channel, "is_ephemeral": message.ephemeral_to is not None}
    if message.client_msg_id:
        # A person's text is shown from the text itself.
        shown.pop("blocks", None)
    if message.chunks:
        shown["chunks"] = [dict(chunk) for chunk in message.chunks]
    return shown


def _install_url(platform: Platform) -> str:
    """Where the app begins its installation, "" where it is not known."""
    for app in platform.directory.apps.values():
        if app.redirect_urls:
            return app.redirect_urls[0].rpartition("/")[0] + "/install"
    return ""
