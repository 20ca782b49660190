"""Where a person stands: which conversations, messages and app they see."""

from __future__ import annotations

from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import Channel, Installation, Message, User
from bot.emulators.slack.refusals import Refused


class Standing:
    """What a user sees. What they do not see raises Refused."""

    def __init__(self, platform: Platform, user: User) -> None:
        self.user = user
        self._platform = platform

    @property
    def id(self) -> str:
        return self.user.id

    @property
    def dm(self) -> Channel:
        """The direct message with the app."""
        return self._platform.directory.direct(self.user.team_id, self.id, self.app.bot_user_id)

    @property
    def app(self) -> Installation:
        """The app that is installed where this person works."""
        directory = self._platform.directory
        for installation in directory.installations:
            if directory.in_reach(installation, self.user.team_id):
                return installation
        raise Refused("app_missing", "no app is installed in this workspace")

    def room(self, channel: Channel | str | None) -> Channel:
        """A conversation that this person is in."""
        if channel is None:
            return self.dm
        id_ = channel if isinstance(channel, str) else channel.id
        found = self._platform.directory.channels.get(id_)
        if found is None or self.id not in found.members:
            raise Refused("channel_not_found")
        return found

    def thread_of(self, room: Channel, thread: Message | str | None) -> str | None:
        if thread is None:
            return None
        ts = thread if isinstance(thread, str) else thread.ts
        parent = self._platform.transcript.get(room.id, ts)
        return parent.thread_ts or parent.ts

    def now(self, message: Message) -> Message:
        """A message as it stands now."""
        self.room(message.channel)
        return self._platform.transcript.get(message.channel, message.ts)

    def seen(self, message: Message) -> Message:
        """A message as it stands now, among them those for this person only."""
        self.room(message.channel)
        found = self._platform.transcript.any_of(message.channel, message.ts)
        if found is None or found.ephemeral_to not in (None, self.id):
            raise Refused("message_not_found")
        return found

    def mine(self, message: Message, error: str) -> Message:
        found = self.now(message)
        if found.user != self.id:
            raise Refused(error)
        return found
