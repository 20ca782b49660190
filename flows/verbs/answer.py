"""`answer`: answer a question from the tenant's documents, by a model or in the documents' own words."""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import structlog

from flows import streaming
from flows.errors import Unavailable
from flows.knowledge.answering import NOTHING, Answer, Writing, ask_model, quoted
from flows.knowledge.fit import fitting
from flows.llm.contract import ModelError
from flows.services import ModelChoice
from flows.signals import Stopped
from flows.stage import Stage
from flows.vocabulary import Citation, Reply, render
from storage.knowledge import Passage
from storage.outcomes import NewMessage
from storage.records import ContentType

log = structlog.get_logger("flows.answer")


async def answer(
    chat: Stage, question: str | None = None, *, otherwise: str | None = None, instructions: str = ""
) -> Answer:
    """Answer `question` (default: what started the flow) from the documents, with citations; false if they do not tell.

    With a model the answer is streamed as it is written; without one, or when it fails, the best passages are quoted.
    `otherwise` is said when nothing fits. `instructions` tell the model how to answer, beyond the bot's own.
    """
    run = chat.run
    run.begin("answer")
    key = chat.key("answer")
    row = run.find(chat.scope + key, "answer")
    if row is None and chat.recalled(key, "answer"):
        run.open(chat.scope + key)
        row = run.frame.rows[chat.scope + key]
    if row is not None:
        given = _read(run.value(row))
        if run.speaking:
            _say(chat, given, otherwise)
        return given
    run.open(chat.scope + key)
    question = chat.opening if question is None else question
    run.want(question)
    exchange = run.exchange
    passages = await _retrieve(chat, question)
    message = exchange.message("", ContentType.TEXT, sensitive=False)
    if passages and exchange.services.model is not None:
        given = await _write(chat, message, question, passages, exchange.services.model, instructions)
    elif passages:
        given = await _quote(chat, question, passages)
    else:
        given = NOTHING
    chat.record(key, "answer", _recorded(given))
    _say(chat, given, otherwise, message)
    if given.by and exchange.services.model is not None:
        # It was paid for: an attempt that follows a crash says the same and does not ask again.
        await run.port(exchange.checkpoint())
    return given


async def _retrieve(chat: Stage, question: str) -> list[Passage]:
    run, exchange = chat.run, chat.run.exchange
    try:
        found = await run.port(exchange.port(exchange.services.retrieve(question)))
    except Unavailable as error:
        log.warning("retrieval_unavailable", session=str(chat.session.id), error=str(error))
        return []
    return fitting(question, found)


async def _write(
    chat: Stage,
    message: NewMessage,
    question: str,
    passages: list[Passage],
    model: ModelChoice,
    instructions: str,
) -> Answer:
    """Stream a model's answer; quote the passages where it fails, whatever it has said until then."""
    services = chat.run.exchange.services
    name = chat.run.exchange.bot.name
    request = ask_model(question, passages, model, name=name, instructions=instructions)
    writing = Writing(passages, model.provider)
    try:
        async with aclosing(services.generate("answer", request)) as events:
            text, stopped = await streaming.stream(chat.run, message, writing.pieces(events))
    except (ModelError, Unavailable) as error:
        log.warning("model_failed", session=str(chat.session.id), error=str(error))
        return await _quote(chat, question, passages)
    if stopped:
        chat.run.exchange.fresh.append(replace(message, content=text))
        raise chat.run.leave(Stopped())
    return writing.answer


async def _quote(chat: Stage, question: str, passages: list[Passage]) -> Answer:
    run, exchange = chat.run, chat.run.exchange
    given, used = quoted(question, passages, exchange.bot.texts.quoted)
    with suppress(Unavailable):
        await run.port(exchange.port(exchange.services.note_quotes("answer", used)))
    return given


def _say(chat: Stage, given: Answer, otherwise: str | None, message: NewMessage | None = None) -> None:
    exchange = chat.run.exchange
    if given.text:
        message = message or exchange.message("", ContentType.TEXT, sensitive=False)
        content, content_type = render(Reply(given.text, citations=given.citations))
        exchange.fresh.append(replace(message, content=content, content_type=content_type))
    elif otherwise:
        exchange.say(Reply(otherwise))


def _recorded(given: Answer) -> dict[str, Any]:
    citations = [[citation.title, citation.url, citation.quote] for citation in given.citations]
    return {"found": given.found, "text": given.text, "citations": citations, "by": given.by}


def _read(recorded: dict[str, Any]) -> Answer:
    citations = tuple(Citation(*parts) for parts in recorded["citations"])
    return Answer(recorded["found"], recorded["text"], citations, recorded["by"])
