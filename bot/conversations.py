"""What the web adapter asks for, answered from the storage and the live hub."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from adapters.errors import Refused
from adapters.web.parse import unknown_attachment
from adapters.web.ports import Listening, OpenedSession, ReplyState, Site
from bot.bots import completed
from bot.limits import MessageLimit
from bot.live import Hub
from config.bots import BotConfig
from storage.channels import Channels
from storage.errors import NotFound
from storage.messages import Messages
from storage.records import Accepted, Channel, Duplicate, Inbound, Json, Sighting, StoredMessage
from storage.sessions import Sessions
from storage.shortlived import ShortLived
from storage.tickets import Tickets

_USERS_LIFE = 60.0


class WebConversations:
    """Implements `adapters.web.ports.Conversations`.

    `accept_event` stores an inbound event and has its turn run; `stop_turn` ends the turn of a session
    wherever it runs; `bot_config` gives the tenant's bot by its slug.
    """

    def __init__(
        self,
        channels: Channels,
        sessions: Sessions,
        messages: Messages,
        tickets: Tickets,
        hub: Hub,
        accept_event: Callable[[Inbound], Awaitable[Accepted | Duplicate]],
        stop_turn: Callable[[UUID], None],
        bot_config: Callable[[str], BotConfig],
        limit: MessageLimit,
    ) -> None:
        self._channels = channels
        self._sessions = sessions
        self._messages = messages
        self._tickets = tickets
        self._hub = hub
        self._accept_event = accept_event
        self._stop_turn = stop_turn
        self._bot_config = bot_config
        self._limit = limit
        # Each channel as it was read and with its bot's settings filled in, made again when it is read anew.
        self._completed: dict[UUID, tuple[Channel, Channel]] = {}
        # Ids of known visitors, so that reading costs no look-up each time.
        self._users: ShortLived[tuple[UUID, str], UUID] = ShortLived(life=_USERS_LIFE, capacity=20_000)

    async def find_channel(self, site: str) -> Channel | None:
        """The web channel with this site key."""
        channel = await self._channels.find("web", site)
        if channel is None:
            return None
        known = self._completed.get(channel.id)
        if known is None or known[0] is not channel:
            known = (channel, completed(channel, self._bot_config(channel.tenant_slug)))
            self._completed[channel.id] = known
        return known[1]

    async def site(self, channel: Channel) -> Site:
        """The public face of the channel's bot."""
        config = self._bot_config(channel.tenant_slug)
        return Site(config.name, config.greeting, tuple(config.suggestions), config.web.colour)

    async def open_session(self, channel: Channel, user: Sighting) -> OpenedSession:
        """Find or make the visitor's user and open session."""
        return OpenedSession(*await self._sessions.open(channel, user))

    async def accept(self, inbound: Inbound) -> Accepted | Duplicate:
        """Store one message durably, once; returning is the promise that it will be answered."""
        wait_s = await self._limit.wait_s(inbound.channel, inbound.user.external_id)
        if wait_s is not None:
            raise Refused(
                429, "too_many_messages", "Too many messages; send this one again later.", retry_after=wait_s
            )
        try:
            return await self._accept_event(inbound)
        except NotFound as error:
            raise unknown_attachment() from error

    async def stop(self, channel: Channel, external_user_id: str) -> None:
        """End the turn under way in the visitor's open session, if there is one."""
        user_id = await self._user(channel, external_user_id)
        if user_id is not None:
            for session_id, _ in await self._sessions.raise_cancel(channel, user_id):
                self._stop_turn(session_id)

    async def history(
        self, channel: Channel, external_user_id: str, *, before: UUID | None, limit: int
    ) -> Sequence[StoredMessage] | None:
        """The newest `limit` messages over all the visitor's sessions, newest last."""
        user_id = await self._user(channel, external_user_id)
        if user_id is None:
            return [] if before is None else None
        return await self._messages.history(
            channel.tenant_id, channel.id, user_id, before=before, limit=limit
        )

    async def since(
        self,
        channel: Channel,
        external_user_id: str,
        *,
        session_id: UUID | None,
        change: int,
        limit: int,
    ) -> Sequence[StoredMessage] | None:
        """What changed in the visitor's sessions after change number `change` of `session_id`."""
        user_id = await self._user(channel, external_user_id)
        if user_id is None:
            return [] if session_id is None else None
        return await self._messages.since(
            channel.tenant_id, channel.id, user_id, session_id=session_id, change=change, limit=limit
        )

    async def reply(self, channel: Channel, external_user_id: str, reply_id: UUID) -> ReplyState | None:
        """The state of a reply by its placeholder's id, or by one of the ids in `more`."""
        user_id = await self._user(channel, external_user_id)
        if user_id is None:
            return None
        found = await self._messages.reply(channel.tenant_id, channel.id, user_id, reply_id)
        return None if found is None else ReplyState(found.status, found.message, found.more, found.reason)

    async def feedback(self, channel: Channel, external_user_id: str, message_id: UUID, value: int) -> bool:
        """Keep the visitor's judgement (1 or -1, 0 takes it back); False: no such message of the bot's."""
        user_id = await self._user(channel, external_user_id)
        return user_id is not None and await self._messages.rate(
            channel.tenant_id, channel.id, user_id, message_id, value
        )

    def listen(self, channel: Channel, external_user_id: str) -> AbstractAsyncContextManager[Listening]:
        """Subscribe to the visitor's live events."""
        return self._hub.listen(channel.id, external_user_id)

    async def issue_ticket(self, claims: Mapping[str, Json]) -> str:
        """Keep `claims` for half a minute under a new one-use ticket."""
        return await self._tickets.issue(UUID(str(claims["ten"])), claims)

    async def redeem_ticket(self, ticket: str) -> Mapping[str, Json] | None:
        """The claims of a ticket, once; None for an unknown one."""
        return await self._tickets.redeem(ticket)

    async def _user(self, channel: Channel, external_user_id: str) -> UUID | None:
        place = (channel.tenant_id, external_user_id)
        user_id = self._users.get(place)
        if user_id is None:
            generation = self._users.generation
            user_id = await self._sessions.find_user(channel, external_user_id)
            if user_id is not None:
                self._users.keep(place, user_id, generation)
        return user_id
