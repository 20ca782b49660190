"""Turns what happens into events, for each app that may see it and has subscribed to it.

https://docs.slack.dev/apis/events-api/#callback-field
"""

from __future__ import annotations

from collections.abc import Callable

from bot.emulators.slack.directory import Directory
from bot.emulators.slack.ids import Clock, Ids
from bot.emulators.slack.notices import Notice, Send
from bot.emulators.slack.records import Channel, Installation, Json, Message
from bot.emulators.slack.wire import profile_json

_SUBSCRIPTION = {
    "channel": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
_TYPE = {"channel": "channel", "private": "group", "im": "im", "mpim": "mpim"}
# The Events API sends neither with a message.
_NOT_IN_EVENTS = {
    *("reactions", "reply_count", "reply_users_count", "reply_users", "latest_reply"),
    *("is_locked", "subscribed"),
}


class Announcer:
    """Makes the envelopes and hands them to `send`. `show` gives a message as JSON."""

    def __init__(
        self,
        directory: Directory,
        ids: Ids,
        clock: Clock,
        send: Send,
        show: Callable[[Message], Json],
    ) -> None:
        self._directory = directory
        self._ids = ids
        self._clock = clock
        self._send = send
        self._show = show

    def said(self, message: Message) -> None:
        """A message: to all in the channel, and as `app_mention` to whoever it mentions."""
        channel = self._directory.channels[message.channel]
        for installation in self._directory.watching(channel):
            inner = self._message(message, installation, channel)
            inner |= {"channel": channel.id, "event_ts": message.ts, "channel_type": _TYPE[channel.kind]}
            self.event(installation, inner, _SUBSCRIPTION[channel.kind], channel)
            mentioned = f"<@{installation.bot_user_id}>" in message.text
            if mentioned and channel.kind != "im" and message.user != installation.bot_user_id:
                mention = {
                    key: value for key, value in inner.items() if key not in ("channel_type", "subtype")
                }
                self.event(installation, {**mention, "type": "app_mention"}, "app_mention", channel)

    def changed(self, new: Message, old: Message) -> None:
        """An edit, by whomever."""
        self._about(
            new.channel,
            lambda installation, channel: {
                "subtype": "message_changed",
                "message": self._message(new, installation, channel),
                "previous_message": self._message(old, installation, channel),
            },
        )

    def gone(self, old: Message) -> None:
        """A deletion."""
        self._about(
            old.channel,
            lambda installation, channel: {
                "subtype": "message_deleted",
                "deleted_ts": old.ts,
                "previous_message": self._message(old, installation, channel),
            },
        )

    def reacted(self, message: Message, name: str, user: str, *, added: bool) -> None:
        channel = self._directory.channels[message.channel]
        kind = "reaction_added" if added else "reaction_removed"
        inner = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": self._ids.ts(),
        }
        for installation in self._directory.watching(channel):
            self.event(installation, inner, kind, channel)

    def event(
        self, installation: Installation, inner: Json, subscription: str, channel: Channel | None = None
    ) -> None:
        """One event to one app, if it has subscribed."""
        app = self._directory.apps[installation.app_id]
        if subscription not in app.events or installation not in self._directory.installations:
            return
        payload = self.envelope(installation, inner, channel)
        self._send(Notice(app.id, "events_api", str(inner["type"]), payload))

    def personally(self, as_user: Installation, inner: Json) -> None:
        """One event that the app gets through a user's authorization, not its bot's."""
        payload = self.envelope(as_user, inner, None)
        payload["authorizations"][0]["is_bot"] = False
        self._send(Notice(as_user.app_id, "events_api", str(inner["type"]), payload))

    def parting(self, installation: Installation) -> None:
        """`app_uninstalled` and `tokens_revoked`, which come in no order: the app was removed."""
        app = self._directory.apps[installation.app_id]
        for inner in (
            {"type": "app_uninstalled"},
            {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [installation.bot_user_id]}},
        ):
            if inner["type"] in app.events:
                payload = self.envelope(installation, inner, None)
                if inner["type"] == "app_uninstalled":
                    del payload["authorizations"]
                self._send(Notice(app.id, "events_api", str(inner["type"]), payload))

    def envelope(self, installation: Installation, inner: Json, channel: Channel | None) -> Json:
        """The outer payload. In a Slack Connect channel `team_id` is the channel's host, whoever has installed
        the app: https://github.com/slackapi/bolt-js/issues/935
        """
        directory = self._directory
        app = directory.apps[installation.app_id]
        team_id = installation.team_id if channel is None else channel.team_id
        workspace = directory.workspaces.get(team_id or "")
        event_id = self._ids.passing("Ev")
        payload: Json = {"token": app.verification_token}
        if team_id is not None:
            payload |= {"team_id": team_id, "context_team_id": installation.team_id or team_id}
        enterprise_id = workspace.enterprise_id if workspace else installation.enterprise_id
        if enterprise_id is not None:
            payload["enterprise_id"] = enterprise_id
        payload |= {
            "context_enterprise_id": installation.enterprise_id,
            "api_app_id": app.id,
            "event": inner,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(self._clock()),
            "authorizations": [
                {
                    "enterprise_id": installation.enterprise_id,
                    "team_id": installation.team_id,
                    "user_id": installation.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": installation.team_id is None,
                }
            ],
            "is_ext_shared_channel": channel is not None and bool(channel.shared_with),
        }
        if channel is not None:
            payload["event_context"] = f"4-{inner['type']}-{team_id}-{app.id}-{channel.id}"
        return payload

    def _about(self, channel_id: str, inner_for: Callable[[Installation, Channel], Json]) -> None:
        channel = self._directory.channels[channel_id]
        ts = self._ids.ts()
        for installation in self._directory.watching(channel):
            inner = {
                "type": "message",
                **inner_for(installation, channel),
                "channel": channel.id,
                "hidden": True,
                "ts": ts,
                "event_ts": ts,
                "channel_type": _TYPE[channel.kind],
            }
            self.event(installation, inner, _SUBSCRIPTION[channel.kind], channel)

    def _message(self, message: Message, installation: Installation, channel: Channel) -> Json:
        shown = {key: value for key, value in self._show(message).items() if key not in _NOT_IN_EVENTS}
        author = self._directory.users.get(message.user)
        # The author's own workspace, where that is not the app's.
        reach = author is None or self._directory.in_reach(installation, author.team_id)
        if author is not None and channel.shared_with and not reach:
            shown |= {"user_team": author.team_id, "source_team": author.team_id}
            shown["user_profile"] = profile_json(author)
            # Of their files only the id comes: https://docs.slack.dev/apis/slack-connect
            if "files" in shown:
                files = [{"id": each["id"], "file_access": "check_file_info"} for each in shown["files"]]
                shown["files"] = files
        return shown
