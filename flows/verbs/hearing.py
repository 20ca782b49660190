"""What an `ask` does with what the person said, or with time that is up: the answer recorded, or asked again."""

from __future__ import annotations

from typing import Any

from flows.errors import Rejected
from flows.input import Pressed, Puzzled, TimeUp, Typed
from flows.record import Pending, Status
from flows.repair import MISUNDERSTOOD_AFTER, asked_back, own
from flows.routing import digression
from flows.signals import Parked
from flows.stage import Stage
from flows.timers import drop_reminder, set_alarms, time_is_up
from flows.values import encode
from flows.verbs.question import Question, heard, mark_of, value_of
from flows.vocabulary import Button, Reply

TIMED_OUT = "timed_out"


async def receive(chat: Stage, question: Question) -> None:
    """Take the turn's input as the answer, or put the question and wait."""
    run = chat.run
    run.open(question.path)
    texts = run.exchange.bot.texts
    match run.take(question.path, question.label):
        case None | TimeUp() if question.timeout is not None and time_is_up(run, question.path):
            _time_out(chat, question)
        case None:
            raise _asked(chat, question, question.shown)
        case TimeUp(role="due") if question.timeout is not None:
            _time_out(chat, question)
        case TimeUp(role="remind") if question.timeout is not None and question.reminder:
            run.exchange.consumed = True
            drop_reminder(run, question.path)
            raise _asked(chat, question, f"{question.reminder}\n{question.shown}")
        case TimeUp():  # of a question that had a time limit before the code changed
            raise _parked(chat, question)
        case Puzzled():
            raise _asked(chat, question, f"{question.help or texts.help}\n{question.shown}")
        case Pressed(mark):
            pressed = next((choice for choice in question.choices if mark_of(choice) == mark), None)
            if pressed is None:
                raise _asked(chat, question, f"{texts.expired}\n{question.shown}")
            await _accept(chat, question, await value_of(question, pressed))
        case Typed() as typed:
            await _hear(chat, question, typed)


async def _hear(chat: Stage, question: Question, typed: Typed) -> None:
    run, text = chat.run, typed.text.strip()
    frames, bot = run.exchange.frames, run.exchange.bot
    if question.may_swallow(text):
        if flow := digression(bot, text, frames, exact=True):
            raise run.digress(flow)
        if place := run.correctable_place(free_text=True):
            raise run.correct(place)
    if question.sensitive:
        run.exchange.redact = True
    try:
        answer = await heard(question, typed, bot.texts)
    except Rejected as rejection:
        if place := run.correctable_place(free_text=False):
            run.exchange.redact = False
            raise run.correct(place) from None
        if flow := digression(bot, text, frames, exact=question.free_text):
            run.exchange.redact = False
            raise run.digress(flow) from None
        reason = rejection.text
    else:
        await _accept(chat, question, answer)
        return
    if not question.sensitive and (flow := await run.port(asked_back(run.exchange, text))):
        raise run.digress(flow)
    run.exchange.consumed = True
    run.frame.tries += 1
    if run.frame.tries > question.retries:
        chat.record(question.key, "ask", None, digest=question.label, status=Status.FAILED)
        return
    hint = question.hint
    if run.frame.tries >= MISUNDERSTOOD_AFTER:
        if flow := own(bot, "misunderstood", frames):
            raise run.digress(flow)
        hint = f"{hint}\n{bot.texts.way_out}".strip()
    raise _asked(chat, question, f"{reason}\n{hint}".strip())


async def _accept(chat: Stage, question: Question, answer: Any) -> None:
    """Record the answer; from here on the turn's input is used up."""
    run, key = chat.run, question.key
    run.exchange.consumed = True
    run.frame.tries = 0
    if question.sensitive:
        run.exchange.redact = True
    if question.ephemeral:
        await run.port(run.exchange.recall())
        encoded = encode(answer, f"ask {key}")
        await run.port(run.exchange.keep_briefly(run.ephemeral_name(question.path), encoded))
        chat.record(key, "ask", None, digest=question.label, status=Status.EPHEMERAL)
    else:
        chat.record(key, "ask", answer, digest=question.label)


def _asked(chat: Stage, question: Question, text: str) -> Parked:
    """Say the question and wait for its answer; raise what this returns."""
    run = chat.run
    address = f"ask:{run.frame.run}:{question.path}:"
    buttons = tuple(Button(choice.label, address + mark_of(choice)) for choice in question.choices)
    run.exchange.say(Reply(text=text, choices=buttons))
    return _parked(chat, question)


def _parked(chat: Stage, question: Question) -> Parked:
    """Wait, for as long as the question may; raise what this returns."""
    run = chat.run
    if question.timeout is None:
        run.frame.alarms = []
    else:
        now, half = run.exchange.services.now(), question.timeout / 2
        remind = now + half if question.reminder else None
        set_alarms(run, question.path, due=now + question.timeout, remind=remind)
    return run.park(Pending(question.path, "ask", question.label, question.sensitive))


def _time_out(chat: Stage, question: Question) -> None:
    """Nobody answered in time; the turn's input, if it had one, is used up."""
    chat.run.exchange.consumed = True
    chat.record(question.key, "ask", TIMED_OUT, digest=question.label, status=Status.FAILED)
