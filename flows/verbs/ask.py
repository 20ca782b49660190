"""`ask`: wait for an answer, for seconds or for days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar, overload

from flows.errors import FlowMistake, Rejected, Unanswered
from flows.record import Row, Status
from flows.repair import Place, names
from flows.stage import Stage
from flows.timers import checked
from flows.validators import of
from flows.values import encode
from flows.verbs.hearing import TIMED_OUT, receive
from flows.verbs.question import Question, judge
from flows.vocabulary import Choice, as_choices

T = TypeVar("T")

_RAISE = object()


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
    timeout: timedelta | None = ...,
    reminder: str | None = ...,
    otherwise: Any = ...,
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
    timeout: timedelta | None = ...,
    reminder: str | None = ...,
    otherwise: Any = ...,
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
    timeout: timedelta | None = ...,
    reminder: str | None = ...,
    otherwise: Any = ...,
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
    timeout: timedelta | None = ...,
    reminder: str | None = ...,
    otherwise: Any = ...,
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
    timeout: timedelta | None = None,
    reminder: str | None = None,
    otherwise: Any = _RAISE,
) -> Any:
    """Ask, and return the answer once it validates.

    `type` is str (default), int, bool, date, Decimal, UploadedFile or a validator, sync or async. With `choices` and no
    type, only those are answers; with a type they are suggestions. A wrong answer brings `help` and the
    question again, `retries` times, then raises Unanswered, which ends the flow politely if not caught.
    With `timeout`, silence comes to the same, counted from when the question was put; after half of it the
    `reminder` is said, if there is one. `otherwise` is what is returned in place of raising Unanswered.
    A `sensitive` answer is sealed and not shown in the transcript; an `ephemeral` one is kept for 30
    minutes and asked for again when it is needed later.
    """
    run = chat.run
    run.begin("ask")
    key = chat.key(name)
    path = chat.scope + key
    row = run.find(path, "ask")
    if row is None or run.correction is not None:
        run.want(prompt)
        options = as_choices(choices, f"ask {name}")
        if reminder is not None and timeout is None:
            raise FlowMistake(f"ask {name}: reminder= is said after half of timeout=; give that too")
        validator = None if options and type is None else of(type)
        question = Question(
            key,
            path,
            prompt,
            options,
            validator,
            help,
            retries,
            sensitive,
            ephemeral,
            None if timeout is None else checked(timeout, "ask: timeout="),
            reminder,
        )
        if row is not None:
            await _consider(chat, question, row)
        else:
            if question.sensitive:
                run.frame.sensitive = True
            if not _take_kept(chat, question):
                await receive(chat, question)
            row = run.frame.rows[path]
    if row.status is Status.FAILED:
        if otherwise is not _RAISE:
            return otherwise
        raise Unanswered(name, timed_out=row.value == TIMED_OUT)
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


async def _consider(chat: Stage, question: Question, row: Row) -> None:
    """Note it if the turn's message could correct this answered question."""
    run = chat.run
    said = run.correction
    if said is None or row.status not in (Status.OK, Status.EPHEMERAL):
        return
    run.last_answer = question.path
    try:
        answer = await judge(question, said.new, "", "")
    except Rejected:
        return
    if row.status is Status.OK and encode(answer, f"ask {question.key}") == row.value:
        return
    given = [choice.label for choice in question.choices if encode(choice.answer, "choice") == row.value]
    if isinstance(row.value, str | int):
        given.append(str(row.value))
    run.correctable.append(
        Place(
            question.path,
            strict=question.validator is None or not question.validator.free_text,
            among_choices=question.validator is None,
            named=names(said, question.key.partition("#")[0], given),
            sensitive=question.sensitive,
        )
    )
