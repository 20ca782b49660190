"""A person in front of an app's agent view, and the Stop button in it.

https://docs.slack.dev/ai/agent-sessions
"""

from __future__ import annotations

from dataclasses import replace

from bot.emulators.slack.methods.streams import end_stream
from bot.emulators.slack.records import Channel, Json, Message
from bot.emulators.slack.refusals import Refused
from bot.emulators.slack.standing import Standing
from bot.emulators.slack.wire import view_json


class AgentView(Standing):
    """What a person does in it; see Person."""

    def opens(self, looking_at: Channel | str | None = None, *, tab: str = "messages") -> None:
        """Open the app's view, beside a channel or alone; `tab` "home" is its Home tab."""
        installation = self.app
        room = self.dm
        event_ts = self._platform.ids.ts()
        inner: Json = {"type": "app_home_opened", "user": self.id, "channel": room.id, "tab": tab}
        inner |= {"event_ts": event_ts}
        home = self._platform.modals.home_of(self.id, installation.app_id)
        if tab == "home" and home is not None:
            inner["view"] = view_json(home)
        if tab == "messages":
            inner["context"] = self._context(looking_at)
        self._platform.announcer.event(installation, inner, "app_home_opened", room)

    def starts_thread(self, looking_at: Channel | str | None = None) -> Message:
        """Start a thread in the older assistant view."""
        room = self.dm
        ts = self._platform.ids.ts()
        bot = self.app
        root = Message(
            room.id,
            ts,
            bot.bot_user_id,
            "New Assistant Thread",
            self.user.team_id,
            thread_ts=ts,
            subtype="assistant_app_thread",
            bot_id=bot.bot_id,
            app_id=bot.app_id,
        )
        self._platform.transcript.put(root)
        self._about_thread("assistant_thread_started", root, looking_at)
        self._platform.changed()
        return root

    def looks_at(self, channel: Channel | str | None, *, thread: Message | None = None) -> None:
        """Look at another channel while the agent is open; `thread` is one of the older assistant view."""
        if thread is not None:
            self._about_thread("assistant_thread_context_changed", thread, channel)
            return
        # It names no user but by the authorization: https://docs.slack.dev/reference/events/app_context_changed
        inner = {"type": "app_context_changed", "context": self._context(channel)}
        as_user = replace(self.app, bot_user_id=self.id)
        announcer = self._platform.announcer
        if "app_context_changed" in self._platform.app_of(as_user).events:
            announcer.personally(as_user, inner)

    def stops(self, channel: Channel | str | None, thread: Message | str | None) -> None:
        """Press Stop, which is only there while the app's session is processing."""
        room = self.room(channel)
        thread_ts = self.thread_of(room, thread)
        platform = self._platform
        installation = self.app
        session = platform.surface.of(room.id, thread_ts)
        subscribed = "agent_session_stopped" in platform.app_of(installation).events
        if session.session != "processing" or not subscribed:
            raise Refused("no_stop_button", "the session is not processing, or the app cannot be stopped")
        streams = [
            message
            for message in platform.transcript.replies(room.id, thread_ts or "")
            if message.streaming_state == "in_progress" and message.user == installation.bot_user_id
        ]
        for message in streams:
            end_stream(platform, message)
        inner = {
            "type": "agent_session_stopped",
            "channel": room.id,
            "thread_ts": thread_ts,
            "user": self.id,
            "streaming_message_ts": [message.ts for message in streams],
            "event_ts": platform.ids.ts(),
        }
        platform.announcer.event(installation, inner, "agent_session_stopped", room)

    def _about_thread(self, kind: str, root: Message, looking_at: Channel | str | None) -> None:
        context: Json = {}
        if looking_at is not None:
            channel = self.room(looking_at)
            workspace = self._platform.directory.workspaces[channel.team_id]
            context = {"channel_id": channel.id, "team_id": channel.team_id}
            context["enterprise_id"] = workspace.enterprise_id
        thread = {
            "user_id": self.id,
            "context": context,
            "channel_id": root.channel,
            "thread_ts": root.ts,
        }
        inner = {"type": kind, "assistant_thread": thread, "event_ts": self._platform.ids.ts()}
        self._platform.announcer.event(self.app, inner, kind)

    def _context(self, looking_at: Channel | str | None) -> Json:
        if looking_at is None:
            return {}
        channel = self.room(looking_at)
        entity = {"type": "slack#/types/channel_id", "value": channel.id, "team_id": channel.team_id}
        return {"entities": [entity]}
