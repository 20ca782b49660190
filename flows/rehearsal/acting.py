"""What happens in a test: a person types and presses, time passes, events come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from flows.bot import Bot
from flows.onlooker import Onlooker
from flows.rehearsal.conversation import SESSION, Conversation, Said
from flows.rehearsal.script import (
    Act,
    Given,
    Happening,
    Operating,
    Pressing,
    Script,
    Sending,
    Typing,
    Waiting,
)
from flows.rehearsal.services import RehearsedServices
from flows.services import ModelChoice
from flows.values import encode
from storage.outcomes import Flag
from storage.records import Entry, EntryKind

MODEL = ModelChoice("anthropic", "recorded")


def conversation_of(bot: Bot, script: Script, onlooker: Onlooker) -> Conversation:
    """A conversation at its beginning, with everything outside as the test gives it."""
    given = script.given
    session = replace(SESSION, locale=given.locale, profile=dict(given.profile))
    return Conversation(bot, services_of(given, script), session=session, onlooker=onlooker)


def services_of(given: Given, script: Script) -> RehearsedServices:
    services = RehearsedServices(script.now)
    services.refusal = given.otp
    services.alike = dict(given.alike)
    services.passages = given.documents
    services.flags = {name: Flag(name, encode(value, name)) for name, value in given.flags.items()}
    if given.model is not None:
        services.model = MODEL
        services.model_says = list(given.model)
    return services


async def act(conversation: Conversation, done: Act) -> list[Said]:
    """Do it; what the bot says to that. Raises NotShown."""
    match done:
        case Typing(_, text):
            return await conversation.type(text)
        case Sending(_, files, text):
            kept = tuple(conversation.services.keep_file(file) for file in files)
            return await conversation.send(replace(conversation.entry(text), attachments=kept))
        case Pressing(_, label):
            return await conversation.press(conversation.payload_of(label), label)
        case Waiting(_, duration, _):
            return await let_pass(conversation, duration)
        case Happening(_, name, value):
            return await conversation.send(
                conversation.entry("", EntryKind.EVENT, {"name": name, "value": encode(value, "event")})
            )
        case Operating(_, "approve" | "reject" as verdict, by, why):
            return await conversation.decide(by, verdict == "approve", why or None)
        case Operating(_, action, by, text):
            said = await conversation.operate(action, by, text)
            return [] if action == "reply" else said
        case _:
            assert_never(done)


async def let_pass(conversation: Conversation, duration: timedelta) -> list[Said]:
    """Move the clock, with a turn for each timer that goes off on the way."""
    services, said = conversation.services, list[Said]()
    end = services.time + duration
    while timer := conversation.next_timer(until=end):
        services.pass_time(max(timer.due_at - services.time, timedelta()))
        conversation.fired.add(timer.id)
        entry = conversation.entry("", EntryKind.TIMER, dict(timer.payload))
        said += await conversation.send(_of_timer(entry, timer.id.int))
    services.pass_time(end - services.time)
    return said


def _of_timer(entry: Entry, timer_id: int) -> Entry:
    return replace(entry, id=type(entry.id)(int=timer_id), message_id=None)
