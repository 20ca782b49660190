"""What becomes of every event of Slack's: an inbound message, a change of the transcript, or nothing.

Whatever moves a session is stored before this returns. Everything else can be done again without harm, so Slack's
repeats of it need no key; what is only polite is done in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, assert_never
from uuid import UUID

import structlog

from adapters.errors import PlatformFailed
from adapters.slack import events
from adapters.slack.asides import Asides
from adapters.slack.errands import Errands
from adapters.slack.files import named_files
from adapters.slack.inbound import addressed, dedupe_keys, external_id, thread_key, to_inbound
from adapters.slack.lifecycle import Lifecycle
from adapters.slack.parse import parse
from adapters.slack.people import People
from adapters.slack.places import ChannelKind, Place
from adapters.slack.ports import Conversations
from adapters.slack.presses import Presses
from adapters.slack.words import Words
from storage.installations import Installation
from storage.records import Channel, Json
from storage.shortlived import ShortLived
from storage.slack_messages import Rewriting

log = structlog.get_logger("parley.slack")

# What is counted of each event, as the metric has it.
OUTCOMES: Final = (
    "accepted",
    "changed",
    "rated",
    "stopped",
    "ended",
    "noted",
    "not_theirs",
    "not_ours",
    "not_now",
    "rate_limited",
    "ignored",
)
# Of the three seconds that a command may take.
_OPEN_DM_S = 1.5


class Arrivals:
    """Takes verified payloads, each for the channel and installation that it was verified for."""

    def __init__(
        self,
        conversations: Conversations,
        asides: Asides,
        people: People,
        errands: Errands,
        presses: Presses,
        lifecycle: Lifecycle,
        count: Callable[[str], None],
        words: Words,
    ) -> None:
        self._conversations = conversations
        self._asides = asides
        self._people = people
        self._errands = errands
        self._presses = presses
        self._lifecycle = lifecycle
        self._count = count
        self._words = words
        # A person's direct message with the bot stays the same one.
        self._direct: ShortLived[tuple[UUID, str], str] = ShortLived(life=3_600.0, capacity=20_000)

    async def take(self, channel: Channel, installation: Installation, payload: Mapping[str, Any]) -> Json:
        """One payload; returns what to acknowledge it with. Raises Unavailable: Slack is to send it again."""
        event = parse(payload, bot_user_id=installation.bot_user_id, names=self._people.names(channel))
        outcome, answer = await self._take(channel, installation, event, payload)
        self._count(outcome)
        log.debug(
            "slack_event",
            tenant=str(channel.tenant_id),
            account=channel.account,
            kind=type(event).__name__,
            outcome=outcome,
            reason=event.reason if isinstance(event, events.Ignored) else None,
        )
        return answer

    async def _take(
        self, channel: Channel, installation: Installation, event: events.Event, payload: Mapping[str, Any]
    ) -> tuple[str, Json]:
        match event:
            case events.Said():
                return await self._said(channel, event), None
            case events.Commanded():
                return await self._commanded(channel, event)
            case events.Pressed():
                return await self._presses.pressed(channel, event, payload), None
            case events.Submitted():
                return await self._presses.submitted(channel, event), None
            case events.Edited():
                return await self._rewritten(channel, event, event.text), None
            case events.Deleted():
                return await self._rewritten(channel, event, None), None
            case events.Rated():
                return await self._rated(channel, event), None
            case events.Reacted():
                return await self._reacted(channel, event), None
            case events.Stopped():
                return await self._stopped(channel, event), None
            case events.Opened():
                self._errands.start("greet", self._greet(channel, event))
                return "noted", None
            case events.UserChanged(person=person):
                external = external_id(person.id, person.team_id, event.origin, channel)
                await self._people.changed(channel, person, external)
                return "noted", None
            case events.Uninstalled() | events.TokensRevoked():
                return await self._lifecycle.ended(channel, installation, event, payload), None
            case events.RateLimited():
                return self._lifecycle.rate_limited(channel, event), None
            case events.ContextChanged() | events.HomeOpened() | events.Closed():
                # What is open beside the conversation comes with each message; there is no Home tab, and no form.
                return "ignored", None
            case events.Ignored() | events.Verification():
                return "ignored", None
        assert_never(event)

    async def _said(self, channel: Channel, said: events.Said) -> str:
        user = external_id(said.user, said.user_team, said.origin, channel)
        engaged = False
        if said.place.thread_ts is not None and not addressed(said, engaged=False):
            engaged = await self._conversations.is_engaged(channel, thread_key(said.place), user)
        if not addressed(said, engaged):
            # No row: the mention that may follow is the same message, and a repeat comes to the same.
            return "not_ours"
        inbound = to_inbound(said, channel, self._people.of(channel, said.user))
        inbound = replace(inbound, payload=named_files(said.files), wants_reply=True)
        await self._conversations.accept(inbound)
        self._people.ask(channel, said.user, said.user_team, said.origin)
        return "accepted"

    async def _commanded(self, channel: Channel, commanded: events.Commanded) -> tuple[str, Json]:
        """A command is answered in the direct message, wherever it was given: the bot may not be in that channel."""
        if not dedupe_keys(commanded):
            return "ignored", None
        try:
            direct = await self._direct_channel(channel, commanded.user)
        except (PlatformFailed, TimeoutError) as error:
            log.warning(
                "slack_command_not_taken", account=channel.account, error=str(error) or "no answer in time"
            )
            return "not_now", _only_to_them(self._words.not_now)
        place = Place(direct, ChannelKind.DM)
        inbound = to_inbound(
            replace(commanded, place=place), channel, self._people.of(channel, commanded.user)
        )
        await self._conversations.accept(replace(inbound, wants_reply=True))
        self._people.ask(channel, commanded.user, commanded.user_team, commanded.origin)
        is_there = commanded.place.channel == direct
        return "accepted", None if is_there else _only_to_them(self._words.answered_there)

    async def _direct_channel(self, channel: Channel, user: str) -> str:
        direct = self._direct.get((channel.id, user))
        if direct is None:
            generation = self._direct.generation
            async with asyncio.timeout(_OPEN_DM_S):
                direct = await self._asides.direct_channel(channel, user)
            self._direct.keep((channel.id, user), direct, generation)
        return direct

    async def _rewritten(
        self, channel: Channel, event: events.Edited | events.Deleted, new: str | None
    ) -> str:
        """The transcript follows; what was answered stays answered, and no turn comes of it."""
        team = event.user_team if isinstance(event, events.Edited) else None
        user = external_id(event.user, team, event.origin, channel) if event.user else None
        thread = thread_key(event.place, event.ts)
        rewrite = Rewriting(event.place.channel, event.ts, user, thread, new, event.at)
        return "changed" if await self._conversations.rewrite(channel, rewrite) else "ignored"

    async def _rated(self, channel: Channel, rated: events.Rated) -> str:
        try:
            message_id = UUID(rated.message_id)
        except ValueError:
            return "ignored"
        user = external_id(rated.user, rated.user_team, rated.origin, channel)
        is_kept = await self._conversations.rate(channel, user, message_id, rated.value)
        return "rated" if is_kept else "ignored"

    async def _reacted(self, channel: Channel, reacted: events.Reacted) -> str:
        """A reaction of the person whom the message answered is feedback; that of others is talk."""
        shown = await self._conversations.shown(channel, reacted.channel, reacted.ts)
        user = external_id(reacted.user, None, reacted.origin, channel)
        if shown is None or shown.asked != user:
            return "ignored"
        is_kept = await self._conversations.rate(channel, user, shown.id, reacted.value)
        return "rated" if is_kept else "ignored"

    async def _stopped(self, channel: Channel, event: events.Stopped) -> str:
        user = external_id(event.user, None, event.origin, channel)
        place, root = event.place, event.place.thread_ts
        # In a direct message a streamed answer hangs below the message that it answers, which is in no thread itself.
        threads = {thread_key(place, root)}
        if place.kind is ChannelKind.DM:
            threads.add(place.channel)
        await self._conversations.stop(channel, user, tuple(sorted(threads)))
        if root is not None:
            self._errands.start("stop", self._asides.confirm_stop(channel, place.channel, root))
        return "stopped"

    async def _greet(self, channel: Channel, opened: events.Opened) -> None:
        face = self._conversations.face(channel)
        if face.suggestions:
            await self._asides.suggest(
                channel, opened.place.channel, opened.place.thread_ts, face.greeting, face.suggestions
            )


def _only_to_them(words: str) -> Json:
    return {"response_type": "ephemeral", "text": words}
