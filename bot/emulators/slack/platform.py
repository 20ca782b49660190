"""Everything that this Slack remembers, and the two things that it does with it: show it and announce it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bot.emulators.slack.announcer import Announcer
from bot.emulators.slack.directory import Directory
from bot.emulators.slack.grants import Grants
from bot.emulators.slack.ids import Clock, Ids
from bot.emulators.slack.modals import Modals
from bot.emulators.slack.notices import Send
from bot.emulators.slack.records import App, File, Installation, Json, Message
from bot.emulators.slack.surface import Surface
from bot.emulators.slack.transcript import Transcript
from bot.emulators.slack.wire import file_json, message_json


class Platform:
    """The state of one emulated Slack. Whatever changes it calls `changed()`; `watch()` is told.

    `base_url` is where it is served, and `is_open` whether it still is.

    `stream_seconds` is how long a stream lives, `stream_idle_seconds` how long without anything appended;
    `history_most` is the most messages that one page of a history has.
    """

    def __init__(self, clock: Clock, send: Send) -> None:
        self.clock = clock
        self.base_url = ""
        self.is_open = True
        self.stream_seconds = 300.0
        self.stream_idle_seconds = 300.0
        self.history_most = 999
        self.ids = Ids(clock)
        self.directory = Directory(self.ids, clock)
        self.grants = Grants(clock)
        self.transcript = Transcript()
        self.files: dict[str, File] = {}
        self.modals = Modals(self.ids, clock)
        self.surface = Surface(clock)
        self.announcer = Announcer(self.directory, self.ids, clock, send, self.show)
        self.send = send
        self.stream_times: dict[tuple[str, str], tuple[float, float]] = {}
        self._watchers: list[Callable[[], None]] = []

    def show(self, message: Message, *, metadata: bool = False) -> Json:
        """A message as JSON."""
        parent = None
        if message.is_reply:
            parent = self.transcript.any_of(message.channel, message.thread_ts or "")
        files = [file_json(self.files[id_], self.base_url) for id_ in message.files]
        replies = self.transcript.replies(message.channel, message.ts)
        return message_json(message, self.directory, files, replies=replies, parent=parent, metadata=metadata)

    def post(self, message: Message) -> Message:
        """Put a new message where everybody sees it."""
        self.transcript.put(message)
        for id_ in message.files:
            file = self.files[id_]
            self.files[id_] = replace(file, shares=(*file.shares, (message.channel, message.ts)))
        self.announcer.said(message)
        self.changed()
        return message

    def edit(self, new: Message, old: Message) -> Message:
        """Put a message in place of what it was."""
        self.transcript.put(new)
        self.announcer.changed(new, old)
        self.changed()
        return new

    def delete(self, message: Message) -> None:
        self.transcript.drop(message)
        self.announcer.gone(message)
        self.changed()

    def react(self, message: Message, name: str, user: str, *, added: bool) -> Message:
        """Raises Refused."""
        reacted = self.transcript.react(message, name, user, added=added)
        self.announcer.reacted(reacted, name, user, added=added)
        self.changed()
        return reacted

    def app_of(self, installation: Installation) -> App:
        return self.directory.apps[installation.app_id]

    def uninstall(self, installation: Installation) -> None:
        """Remove an app: its tokens die, and it is told."""
        self.directory.remove(installation.app_id, installation.tenant)
        self.grants.end(installation)
        self.announcer.parting(installation)
        self.changed()

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[], None]) -> None:
        self._watchers.remove(watcher)

    def changed(self) -> None:
        for watcher in list(self._watchers):
            watcher()
