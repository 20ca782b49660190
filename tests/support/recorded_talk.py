"""A conversation that is played in one process and leaves what storage would have of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import orjson

from flows.bot import Bot
from flows.overlap import hold, joined
from flows.rehearsal.conversation import SESSION, Conversation
from flows.rehearsal.services import RehearsedServices
from flows.rehearsal.stored_talk import HIDDEN, StoredTalk
from storage.outcomes import StoredResult
from storage.records import ContentType, Entry, EntryKind, Json, MessageStatus, Sender, StoredMessage, Turn


class RecordedTalk:
    """Talks to a bot; `talk` is the record."""

    def __init__(self, bot: Bot, services: RehearsedServices | None = None) -> None:
        self.conversation = Conversation(bot, services or RehearsedServices())
        self.messages: list[StoredMessage] = []
        self.results: list[StoredResult] = []

    @property
    def talk(self) -> StoredTalk:
        return StoredTalk(SESSION, self.conversation.state, tuple(self.messages), tuple(self.results))

    @property
    def said(self) -> list[str]:
        return [message.content for message in self.messages if message.sender is Sender.BOT]

    async def type(self, text: str, *, after: timedelta = timedelta(seconds=5)) -> None:
        await self._let_pass(after)
        await self._message(self.conversation.entry(text))

    async def press(self, label: str, *, after: timedelta = timedelta(seconds=5)) -> None:
        await self._let_pass(after)
        payload = self.conversation.payload_of(label)
        await self._message(self.conversation.entry(label, EntryKind.ACTION, payload))

    async def happen(self, name: str, value: Json, *, after: timedelta = timedelta(seconds=5)) -> None:
        await self._let_pass(after)
        await self._turn(self.conversation.entry("", EntryKind.EVENT, {"name": name, "value": value}), None)

    async def operate(self, action: str, text: str = "") -> None:
        await self.conversation.operate(action, "ann", text)
        assert self.conversation.last_turn is not None
        if action == "reply":
            self._add(Sender.AGENT, text, ContentType.TEXT, None)
        else:
            self._keep(self.conversation.last_turn.entry, None)

    async def decide(self, approve: bool) -> None:
        """An operator decides what waits to be approved."""
        await self.conversation.decide("ann", approve)
        assert self.conversation.last_turn is not None
        self._keep(self.conversation.last_turn.entry, None)

    async def hold(self, text: str) -> None:
        """A message that is answered together with the next one."""
        entry = self.conversation.entry(text)
        turn = Turn(SESSION, 1, entry, self.conversation.state, 0)
        outcome = hold(self.conversation.bot, turn, self.conversation.services)
        assert outcome is not None
        message = self._add(Sender.USER, text, ContentType.TEXT, None)
        self.conversation.commit(outcome)
        self._keep(entry, message.id)

    async def pass_time(self, duration: timedelta) -> None:
        await self._let_pass(duration)

    async def _message(self, entry: Entry) -> None:
        place = len(self.messages)
        message = self._add(Sender.USER, entry.content, ContentType.TEXT, None)
        await self._turn(entry, message.id)
        outcome = self.conversation.outcome
        assert outcome is not None
        if outcome.redact_input:
            self.messages[place] = replace(message, content=HIDDEN)
        if outcome.error is not None:
            self.messages[place] = replace(message, status=MessageStatus.FAILED)

    async def _turn(self, entry: Entry, message_id: UUID | None) -> None:
        turn = Turn(SESSION, 1, entry, self.conversation.state, 0)
        await self.conversation.send(joined(turn).entry)
        self._keep(entry, message_id)

    def _keep(self, entry: Entry, message_id: UUID | None) -> None:
        outcome = self.conversation.outcome
        assert outcome is not None
        at = self.conversation.services.time
        for result in outcome.results:
            written = orjson.loads(orjson.dumps(result.value))
            kept = replace(result, value=written)
            self.results.append(StoredResult(entry.position, message_id, at, kept))
        for reply in outcome.replies:
            if reply.sender is Sender.BOT:
                content = HIDDEN if reply.sensitive else reply.content
                kind = ContentType.TEXT if reply.sensitive else reply.content_type
                self._add(Sender.BOT, content, kind, message_id)

    async def _let_pass(self, duration: timedelta) -> None:
        conversation = self.conversation
        services = conversation.services
        end = services.time + duration
        while timer := conversation.next_timer(until=end):
            services.pass_time(max(timer.due_at - services.time, timedelta()))
            conversation.fired.add(timer.id)
            entry = conversation.entry("", EntryKind.TIMER, dict(timer.payload))
            await self._turn(replace(entry, id=timer.id, message_id=None), None)
        services.pass_time(end - services.time)

    def _add(
        self, sender: Sender, content: str, content_type: ContentType, in_reply_to: UUID | None
    ) -> StoredMessage:
        number = len(self.messages) + 1
        message = StoredMessage(
            UUID(int=50_000 + number),
            SESSION.id,
            SESSION.user_id,
            number,
            number,
            number,
            sender,
            content,
            content_type,
            MessageStatus.COMPLETED,
            in_reply_to,
            self.conversation.services.time,
        )
        self.messages.append(message)
        return message
