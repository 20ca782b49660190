"""What Slack's inbound side asks for, answered from the storage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from adapters.slack.ports import Face
from bot.bots import completed
from config.bots import BotConfig
from config.errors import ConfigError
from storage.errors import NotFound
from storage.installations import Installation, Installations
from storage.messages import Messages
from storage.records import Accepted, Channel, Duplicate, Inbound, Sighting
from storage.sessions import Sessions
from storage.slack_messages import Rewriting, ShownMessage, SlackMessages


class SlackConversations:
    """Implements `adapters.slack.ports.Conversations`.

    `accept_event` stores an inbound event and has its turn run; `stop_turn` ends the turn of a session wherever it
    runs; `bot_config` gives the tenant's bot by its slug.
    """

    def __init__(
        self,
        installations: Installations,
        sessions: Sessions,
        messages: Messages,
        slack_messages: SlackMessages,
        accept_event: Callable[[Inbound], Awaitable[Accepted | Duplicate]],
        stop_turn: Callable[[UUID], None],
        bot_config: Callable[[str], BotConfig],
    ) -> None:
        self._installations = installations
        self._sessions = sessions
        self._messages = messages
        self._slack_messages = slack_messages
        self._accept_event = accept_event
        self._stop_turn = stop_turn
        self._bot_config = bot_config

    async def installation(self, channel: Channel) -> Installation:
        """The channel's installation."""
        return await self._installations.of_channel(channel.tenant_id, channel.id)

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        """Store one event durably, once; its session is silent for as long as the bot's settings say."""
        return await self._accept_event(replace(inbound, channel=self._completed(inbound.channel)))

    def face(self, channel: Channel) -> Face:
        """How the channel's bot greets; nothing where its folder cannot be read."""
        try:
            config = self._bot_config(channel.tenant_slug)
        except ConfigError:
            return Face("", ())
        return Face(config.greeting, tuple(config.suggestions))

    async def is_engaged(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the bot talks with somebody in the thread, or did with the user."""
        return await self._slack_messages.is_engaged(channel, thread_key, user)

    async def has_open(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the user has a session open in the thread."""
        return await self._slack_messages.has_open(channel, thread_key, user)

    async def shown(self, channel: Channel, place: str, ts: str) -> ShownMessage | None:
        """The bot's message that Slack knows as `ts` in its channel `place`."""
        return await self._slack_messages.shown(channel, place, ts)

    async def rewrite(self, channel: Channel, rewriting: Rewriting) -> bool:
        """Let the transcript follow an edit or a deletion."""
        return await self._slack_messages.rewrite(channel, rewriting)

    async def rate(self, channel: Channel, user: str, message_id: UUID, value: int) -> bool:
        """Keep the user's judgement of a message that was said to them."""
        user_id = await self._sessions.find_user(channel, user)
        return user_id is not None and await self._messages.rate(
            channel.tenant_id, channel.id, user_id, message_id, value
        )

    async def stop(self, channel: Channel, user: str, thread_keys: tuple[str, ...]) -> None:
        """End the turns under way in the user's sessions in these threads."""
        for session_id in await self._slack_messages.raise_cancel(channel, user, thread_keys):
            self._stop_turn(session_id)

    async def know(self, channel: Channel, user: Sighting) -> None:
        """Keep what Slack says of a user whom we know."""
        await self._slack_messages.know(channel, user)

    async def revoke(self, channel: Channel, told_at: datetime | None) -> bool:
        """The app was uninstalled; what was installed since `told_at` stands."""
        try:
            return await self._installations.revoke(channel.tenant_id, channel.id, told_at=told_at)
        except NotFound:
            return False

    def _completed(self, channel: Channel) -> Channel:
        try:
            return completed(channel, self._bot_config(channel.tenant_slug))
        except ConfigError:
            # The turn will say so; what was sent is kept for when the folder is right again.
            return channel
