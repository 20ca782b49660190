"""Take a conversation that is on record again, with today's flows, and tell what comes out differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from flows.bot import Bot
from flows.rehearsal.acting import let_pass
from flows.rehearsal.aligning import align
from flows.rehearsal.conversation import Conversation, NotShown, Said
from flows.rehearsal.happening import happen, shown
from flows.rehearsal.recording import WORTH_TELLING, duration_told
from flows.rehearsal.replay_services import CODE, ReplayServices
from flows.rehearsal.results import Recalled
from flows.rehearsal.script import Texted
from flows.rehearsal.standing import place_of, where
from flows.rehearsal.stored_talk import (
    HIDDEN,
    Step,
    StoredTalk,
    answers_of,
    face_of,
    face_stored,
    steps_of,
    top_of,
)
from flows.rehearsal.transcript import Transcript
from storage.outcomes import Result
from storage.records import EntryKind, MessageStatus, Sender, StoredMessage


class _Unknown(Exception):
    """What was answered is on no record; the message says where."""


@dataclass(slots=True)
class Replayed(Transcript):
    """How it went. `notes` tell of what could not be as it was; `stopped` why it was not taken to its end."""

    notes: list[str] = field(default_factory=list)
    stopped: str | None = None


async def replay(bot: Bot, talk: StoredTalk) -> Replayed:
    """Play a session that has messages from its first to its last; nothing is sent, called or written."""
    return await _Replay(bot, talk).play()


class _Replay:
    def __init__(self, bot: Bot, talk: StoredTalk) -> None:
        self._talk = talk
        self._steps = steps_of(talk)
        self._recalled = Recalled(talk.results)
        self._conversation = Conversation(
            bot,
            ReplayServices(talk.messages[0].created_at, self._recalled),
            session=talk.session,
            onlooker=self._recalled,
        )
        self._answers = answers_of(talk.state)
        self._replayed = Replayed()
        # Replies that answer no message, since the last that did.
        self._unasked: list[Said] = []
        self._buttons: dict[str, str] = {}
        self._held: list[str] = []
        self._told_until = talk.messages[0].created_at

    async def play(self) -> Replayed:
        replayed = self._replayed
        try:
            for step in self._steps.taken:
                await self._pass_to(step.at)
                await self._take(step)
            await self._pass_to(self._talk.messages[-1].created_at)
        except _Unknown as unknown:
            replayed.stopped = str(unknown)
            replayed.same(f"(the replay stops here: {unknown})")
        else:
            self._compare_unasked(None)
            for unused in self._recalled.unused():
                replayed.wrong(unused)
            self._compare_standing()
        replayed.notes = list(dict.fromkeys(self._recalled.notes))
        return replayed

    async def _pass_to(self, at: datetime) -> None:
        """Let the time come, and the timers that go off until then."""
        self._recalled.begin()
        now = self._conversation.services.time
        if at > now:
            self._unasked += self._noticed(await let_pass(self._conversation, at - now))
            self._tell_problems()

    async def _take(self, step: Step) -> None:
        message, told = step.message, step.told
        if told is not None:
            self._recalled.begin(position=told.position)
            self._unasked += self._noticed(await self._happen(told.result))
            self._tell_problems()
        elif message is not None:
            self._compare_unasked(message.seq)
            self._tell_silence(step.at)
            if message.sender is Sender.AGENT:
                self._replayed.same(f"operator> {message.content}")
                await self._conversation.operate("reply", "operator", message.content)
            else:
                await self._say(message, joined=step.joined)

    async def _say(self, message: StoredMessage, *, joined: bool) -> None:
        files = "".join(f"({file.name}) " for file in message.attachments)
        self._replayed.same(f"you> {files}{message.content}")
        text = message.content
        if text == HIDDEN:
            text = self._hidden_text()
        if joined:
            self._held.append(text)
            return
        self._recalled.begin(message_id=message.id)
        entry = self._conversation.entry("\n".join([*self._held, text]))
        self._held = []
        if text in self._buttons:
            entry = replace(entry, kind=EntryKind.ACTION, payload=self._buttons[text])
        entry = replace(entry, accepted_at=message.created_at, attachments=message.attachments)
        said = self._noticed(await self._conversation.send(entry))
        self._tell_problems(failed_then=message.status is MessageStatus.FAILED)
        self._compare(self._steps.replies.get(message.id, []), said)

    async def _happen(self, told: Result) -> list[Said]:
        self._replayed.same(shown(told))
        try:
            return await happen(self._conversation, told)
        except NotShown as error:
            self._replayed.wrong(str(error))
            return []

    def _hidden_text(self) -> str:
        """What to type for a message that no transcript shows. Raises _Unknown."""
        if self._conversation.session.in_handoff:
            return HIDDEN
        top = top_of(self._conversation.state)
        if top is None or top.pending is None:
            raise _Unknown("this message is not shown by the record, and no flow waits for it")
        if top.pending.kind == "otp":
            return CODE
        if top.pending.kind != "ask":
            raise _Unknown(f"what was typed at {place_of(top.pending.path)} is on no record")
        answer = self._answers.get((top.flow, top.pending.path))
        if answer is None:
            raise _Unknown(
                f"the answer to {place_of(top.pending.path)} is sensitive, and is kept only while {top.flow} runs"
            )
        return answer

    def _noticed(self, said: list[Said]) -> list[Said]:
        """Remember the buttons that the person sees now."""
        if said:
            self._buttons = {
                label: payload
                for each in said
                for label, payload in zip(each.labels, each.payloads, strict=True)
            }
        return said

    def _tell_problems(self, *, failed_then: bool = False) -> None:
        for problem in self._recalled.problems:
            self._replayed.wrong(problem)
        failure = self._conversation.failure
        if failure is not None and not failed_then:
            self._replayed.wrong(f"the flow failed: {failure.outcome.error}")
        self._recalled.problems, self._conversation.failure = [], None

    def _tell_silence(self, at: datetime) -> None:
        silence = at - self._told_until
        if silence >= WORTH_TELLING:
            self._replayed.same(f"({duration_told(silence)} later)")
        self._told_until = max(at, self._told_until)

    def _compare_unasked(self, before: int | None) -> None:
        """What the bot said by itself, or to an event, before the message of that number."""
        unasked = self._steps.unasked
        then = [message for message in unasked if before is None or (message.seq or 0) < before]
        del self._steps.unasked[: len(then)]
        said, self._unasked = self._unasked, []
        if then:
            self._tell_silence(then[0].created_at)
        self._compare(then, said)

    def _compare(self, then: Sequence[StoredMessage], now: Sequence[Said]) -> None:
        expected = [face_stored(message) for message in then]
        found = [face_of(said) for said in now]
        pairs = align([Texted("exact", face) for face in expected], [Said(face) for face in found])
        for i, j in pairs:
            if i is not None and j is not None and expected[i] == found[j]:
                self._replayed.same(f"bot> {found[j]}")
                continue
            if i is not None:
                self._replayed.missing(f"bot> {expected[i]}")
            if j is not None:
                self._replayed.unexpected(f"bot> {found[j]}")
        if then:
            self._told_until = max(self._told_until, then[-1].created_at)

    def _compare_standing(self) -> None:
        if self._talk.state.version and not self._talk.state.damage:
            then, now = where(self._talk.state), where(self._conversation.state)
            self._replayed.compare("state: flow", then[0], now[0])
            self._replayed.compare("state: waiting", then[1], now[1])
