"""What was said: messages by channel, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.emulators.slack.directory import SLACKBOT
from bot.emulators.slack.records import Message, Reaction
from bot.emulators.slack.refusals import Refused


class Transcript:
    """Keeps every message as it stands now; `deleted` are those that are gone."""

    def __init__(self) -> None:
        self._channels: dict[str, dict[str, Message]] = {}
        self._threads: dict[tuple[str, str], dict[str, Message]] = {}
        self.deleted: list[Message] = []

    def __iter__(self) -> Iterator[Message]:
        for messages in self._channels.values():
            yield from messages.values()

    def put(self, message: Message) -> Message:
        """Add a message, or replace the one with its channel and ts."""
        self._channels.setdefault(message.channel, {})[message.ts] = message
        if message.thread_ts is not None and message.is_reply:
            self._threads.setdefault((message.channel, message.thread_ts), {})[message.ts] = message
        return message

    def get(self, channel: str, ts: object) -> Message:
        """A message that is for everybody. Raises Refused."""
        message = self._channels.get(channel, {}).get(str(ts))
        if message is None or message.ephemeral_to is not None:
            raise Refused("message_not_found")
        return message

    def any_of(self, channel: str, ts: str) -> Message | None:
        """A message, ephemeral ones too."""
        return self._channels.get(channel, {}).get(ts)

    def drop(self, message: Message) -> None:
        """Delete a message; where replies hang on it a tombstone stays."""
        self.deleted.append(message)
        if self.replies(message.channel, message.ts):
            self.put(
                Message(
                    message.channel,
                    message.ts,
                    SLACKBOT,
                    "This message was deleted.",
                    message.team_id,
                    thread_ts=message.ts,
                    subtype="tombstone",
                )
            )
        else:
            del self._channels[message.channel][message.ts]
            self._threads.get((message.channel, message.thread_ts or ""), {}).pop(message.ts, None)

    def react(self, message: Message, name: str, user: str, *, added: bool) -> Message:
        """Add or take away a reaction. Raises Refused."""
        users = {each.name: each.users for each in message.reactions}
        there = user in users.get(name, ())
        if added == there:
            raise Refused("already_reacted" if added else "no_reaction")
        users[name] = (
            (*users.get(name, ()), user) if added else tuple(each for each in users[name] if each != user)
        )
        reactions = tuple(Reaction(name, who) for name, who in users.items() if who)
        return self.put(replace(message, reactions=reactions))

    def in_channel(self, channel: str) -> list[Message]:
        """Everything in a channel, replies and ephemeral messages too, oldest first."""
        return list(self._channels.get(channel, {}).values())

    def timeline(self, channel: str) -> list[Message]:
        """What stands in the channel itself, oldest first: no replies but those shown there too."""
        return [
            message
            for message in self._channels.get(channel, {}).values()
            if message.ephemeral_to is None and (not message.is_reply or message.broadcast)
        ]

    def replies(self, channel: str, ts: str) -> list[Message]:
        """The replies to a message, oldest first."""
        return [
            message
            for message in self._threads.get((channel, ts), {}).values()
            if message.ephemeral_to is None
        ]
