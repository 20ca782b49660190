"""Who calls a method, and with what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bot.emulators.slack.arguments import Arguments
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Channel, ChannelKind, Installation, Json, Message
from bot.emulators.slack.refusals import Refused

# What a scope is called for each kind of conversation.
_ROOMS: dict[ChannelKind, str] = {"channel": "channels", "private": "groups", "im": "im", "mpim": "mpim"}


@dataclass(frozen=True, slots=True)
class Caller:
    """A call by an installed app."""

    platform: Platform
    installation: Installation
    arguments: Arguments
    token: str

    @property
    def app(self) -> App:
        return self.platform.app_of(self.installation)

    @property
    def bot(self) -> str:
        """The user id of the app's bot."""
        return self.installation.bot_user_id

    def require(self, scope: str) -> None:
        """Raises Refused where the token does not have the scope."""
        if scope not in self.installation.scopes:
            raise Refused("missing_scope", needed=scope, provided=",".join(sorted(self.installation.scopes)))

    def require_for(self, channel: Channel, what: str) -> None:
        """The scope for reading this kind of conversation."""
        self.require(f"{_ROOMS[channel.kind]}:{what}")

    def visible(self, name: str = "channel") -> Channel:
        """The conversation that an argument names. Raises Refused."""
        return self.platform.directory.visible(self.installation, self.arguments.needed(name))

    def writable(self, name: str = "channel") -> Channel:
        """The conversation that an argument names, for writing into: a user's id stands for the direct message.

        Raises Refused.
        """
        directory = self.platform.directory
        given = self.arguments.needed(name)
        user = directory.users.get(given)
        if user is not None and user.bot_id is None:
            if not directory.in_reach(self.installation, user.team_id):
                raise Refused("channel_not_found")
            channel = directory.direct(user.team_id, user.id, self.bot)
        else:
            channel = directory.visible(self.installation, given)
        if channel.archived:
            raise Refused("is_archived")
        if self.bot not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def own(self, channel: Channel, error: str, name: str = "ts") -> Message:
        """The message of the app's own that an argument names. Raises Refused."""
        message = self.platform.transcript.get(channel.id, self.arguments.needed(name))
        if message.user != self.bot:
            raise Refused(error)
        return message


Run = Callable[[Caller], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """A method: what runs it, its tier (calls a minute: 1 ≈ 1, 2 ≈ 20, 3 ≈ 50, 4 ≈ 100; None: none) and its scope.

    https://docs.slack.dev/apis/web-api/rate-limits
    """

    run: Run
    tier: Literal[1, 2, 3, 4] | None
    scope: str | None = None
