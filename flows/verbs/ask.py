"""`ask`: wait for an answer, for seconds or for days."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from flows.errors import Rejected, Unanswered
from flows.input import Pressed, Puzzled, Typed
from flows.record import Pending, Status
from flows.routing import digression
from flows.signals import Parked
from flows.stage import Stage
from flows.triggers import normalise
from flows.validators import Validator, of
from flows.values import encode
from flows.vocabulary import Button, Choice, Reply, as_choices

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One ask as it stands now."""

    key: str
    path: str
    prompt: str
    choices: tuple[Choice, ...]
    validator: Validator[Any] | None
    help: str | None
    retries: int
    sensitive: bool
    ephemeral: bool

    @property
    def label(self) -> str:
        return self.validator.label if self.validator else "choice"

    @property
    def free_text(self) -> bool:
        return self.validator is not None and self.validator.free_text and not self.choices


@overload
async def ask(
    chat: Stage,
    name: str,
    prompt: str,
    type: type[T],
    *,
    choices: Sequence[str | Choice] = ...,
    help: str | None = ...,
    retries: int = ...,
    sensitive: bool = ...,
    ephemeral: bool = ...,
) -> T: ...
@overload
async def ask(
    chat: Stage,
    name: str,
    prompt: str,
    type: Callable[[str], Awaitable[T]],
    *,
    choices: Sequence[str | Choice] = ...,
    help: str | None = ...,
    retries: int = ...,
    sensitive: bool = ...,
    ephemeral: bool = ...,
) -> T: ...
@overload
async def ask(
    chat: Stage,
    name: str,
    prompt: str,
    type: Callable[[str], T],
    *,
    choices: Sequence[str | Choice] = ...,
    help: str | None = ...,
    retries: int = ...,
    sensitive: bool = ...,
    ephemeral: bool = ...,
) -> T: ...
@overload
async def ask(
    chat: Stage,
    name: str,
    prompt: str,
    *,
    choices: Sequence[str | Choice] = ...,
    help: str | None = ...,
    retries: int = ...,
    sensitive: bool = ...,
    ephemeral: bool = ...,
) -> Any: ...


async def ask(
    chat: Stage,
    name: str,
    prompt: str,
    type: Any = None,  # noqa: A002 - the word of the contract
    *,
    choices: Sequence[str | Choice] = (),
    help: str | None = None,  # noqa: A002 - the word of the contract
    retries: int = 3,
    sensitive: bool = False,
    ephemeral: bool = False,
) -> Any:
    """Ask, and return the answer once it validates.

    `type` is str (default), int, bool, date, Decimal or a validator, sync or async. With `choices` and no
    type, only those are answers; with a type they are suggestions. A wrong answer brings `help` and the
    question again, `retries` times, then raises Unanswered, which ends the flow politely if not caught.
    A `sensitive` answer is sealed and not shown in the transcript; an `ephemeral` one is kept for 30
    minutes and asked for again when it is needed later.
    """
    run = chat.run
    run.begin("ask")
    key = chat.key(name)
    path = chat.scope + key
    row = run.find(path, "ask")
    if row is None:
        run.want(prompt)
        options = as_choices(choices)
        validator = None if options and type is None else of(type)
        question = Question(key, path, prompt, options, validator, help, retries, sensitive, ephemeral)
        if question.sensitive:
            run.frame.sensitive = True
        if not _take_kept(chat, question):
            await _receive(chat, question)
        row = run.frame.rows[path]
    if row.status is Status.FAILED:
        raise Unanswered(name)
    return run.value(row)


def _take_kept(chat: Stage, question: Question) -> bool:
    """Use the answer that was brought over a restart, if it is of the same type and still a choice."""
    run = chat.run
    kept = run.frame.kept.get(question.path)
    if kept is None or kept[0] not in (question.label, "*"):
        return False
    if question.validator is None and kept[1] not in [encode(c.answer, "choice") for c in question.choices]:
        return False
    run.frame.add(chat.scope, question.key, "ask", question.label, Status.OK, kept[1], False)
    return True


async def _receive(chat: Stage, question: Question) -> None:
    """Take the turn's input as the answer, or put the question and wait."""
    run = chat.run
    run.open(question.path)
    texts = run.exchange.bot.texts
    match run.take(question.path, question.label):
        case None:
            raise _asked(chat, question, question.prompt)
        case Puzzled():
            raise _asked(chat, question, f"{question.help or texts.help}\n{question.prompt}")
        case Pressed(mark):
            pressed = next((choice for choice in question.choices if _mark(choice) == mark), None)
            if pressed is None:
                raise _asked(chat, question, f"{texts.expired}\n{question.prompt}")
            await _accept(chat, question, await _value_of(question, pressed))
        case Typed(text):
            await _hear(chat, question, text.strip())


async def _hear(chat: Stage, question: Question, text: str) -> None:
    run = chat.run
    frames, bot = run.exchange.frames, run.exchange.bot
    if question.free_text and (flow := digression(bot, text, frames, exact=True)):
        raise run.digress(flow)
    if question.sensitive:
        run.exchange.redact = True
    try:
        answer = await _judge(question, text, bot.texts.not_a_choice, bot.texts.not_understood)
    except Rejected as rejection:
        if flow := digression(bot, text, frames, exact=question.free_text):
            run.exchange.redact = False
            raise run.digress(flow) from None
        reason = rejection.text
    else:
        await _accept(chat, question, answer)
        return
    run.exchange.consumed = True
    run.frame.tries += 1
    if run.frame.tries > question.retries:
        chat.record(question.key, "ask", None, digest=question.label, status=Status.FAILED)
        return
    hint = question.help or ("" if question.validator is None else question.prompt)
    raise _asked(chat, question, f"{reason}\n{hint}".strip())


async def _judge(question: Question, text: str, not_a_choice: str, not_understood: str) -> Any:
    """The value of a typed answer. Raises Rejected."""
    words = normalise(text)
    for position, choice in enumerate(question.choices, 1):
        if words and words in {normalise(choice.label), str(position), *map(normalise, choice.also)}:
            return await _value_of(question, choice)
    if question.validator is None:
        raise Rejected(not_a_choice)
    try:
        return await _validated(question.validator, text)
    except ValueError as error:
        raise Rejected(not_understood) from error


async def _value_of(question: Question, choice: Choice) -> Any:
    """A choice's own value, else its label as the type reads it: "Yes" of a yes_no is True."""
    if choice.value is not None or question.validator is None:
        return choice.answer
    return await _validated(question.validator, choice.label)


async def _validated(validator: Validator[Any], text: str) -> Any:
    answer = validator(text)
    return await answer if inspect.isawaitable(answer) else answer


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
    buttons = tuple(Button(choice.label, address + _mark(choice)) for choice in question.choices)
    run.exchange.say(Reply(text=text, choices=buttons))
    return run.park(Pending(question.path, "ask", question.label, question.sensitive))


def _mark(choice: Choice) -> str:
    """Tells the choices of one ask apart in a button's payload, even if their order changes."""
    return hashlib.blake2b(choice.label.encode("utf-8", "replace"), digest_size=4).hexdigest()
