"""`generate`: have the tenant's model write a text, or fill in an object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from flows import streaming
from flows.errors import CallFailed, FlowMistake, Unavailable
from flows.generation import fill_in, pieces, request_of
from flows.llm.contract import ModelError, ModelRequest
from flows.llm.schema import check_schema
from flows.record import Status
from flows.signals import Stopped
from flows.stage import Stage
from flows.values import decode, digest, encode
from flows.vocabulary import clean
from storage.outcomes import NewMessage
from storage.records import ContentType


async def generate(
    chat: Stage,
    prompt: str,
    *,
    system: str | None = None,
    schema: Mapping[str, Any] | None = None,
    stream: bool = False,
    sensitive: bool = False,
    max_tokens: int | None = None,
) -> Any:
    """Ask the tenant's model, once and on record: its text, or with `schema` a dict that fits it.

    `system` tells it how to write, beyond the bot's own instructions; `stream` also says the text as it is
    written. Raises CallFailed, live and in replay: `no_model` where none is set up, `declined`, `invalid`
    (no text, or twice no object that fits), `unavailable`, or the model's own kind of failure.
    """
    run, exchange = chat.run, chat.run.exchange
    run.begin("generate")
    _check(chat, schema, stream=stream)
    key = chat.key("generate")
    path = chat.scope + key
    row = run.find(path, "generate")
    message = None
    if row is None:
        run.open(path)
        run.want(prompt)
        if sensitive:
            run.frame.sensitive = True
        asked = digest(encode([prompt, system, dict(schema or {})], f"generate {key}"))
        carried = run.frame.carried.get(path)
        if carried is not None and carried.digest == asked:
            run.frame.add(chat.scope, key, "generate", asked, carried.status, carried.value, False)
        elif not chat.recalled(key, "generate", asked):
            if stream:
                message = exchange.message("", ContentType.TEXT, sensitive)
            value, status = await _generated(chat, prompt, system, schema, max_tokens, message)
            chat.record(key, "generate", value, digest=asked, status=status)
            if exchange.services.model is not None:
                # It was paid for: an attempt that follows a crash has the same and does not ask again.
                await run.port(exchange.checkpoint())
        row = run.frame.rows[path]
    value = decode(row.value)
    text = value[2] if row.status is Status.FAILED else value
    if stream and text and run.speaking:
        message = message or exchange.message("", ContentType.TEXT, sensitive)
        exchange.fresh.append(replace(message, content=text))
    if row.status is Status.FAILED:
        raise CallFailed(value[0], value[1])
    return value


def _check(chat: Stage, schema: Mapping[str, Any] | None, *, stream: bool) -> None:
    if stream and (schema is not None or asyncio.current_task() in chat.run.branches):
        where = "inside gather" if schema is None else "with a schema"
        raise FlowMistake(f"generate: there is nothing to stream {where}; leave stream= away")
    if schema is not None:
        try:
            check_schema(schema)
        except ValueError as error:
            raise FlowMistake(f"generate: {error}") from None


async def _generated(
    chat: Stage,
    prompt: str,
    system: str | None,
    schema: Mapping[str, Any] | None,
    max_tokens: int | None,
    message: NewMessage | None,
) -> tuple[Any, Status]:
    """What the model gave; or why it failed, with what of it was shown to the person until then."""
    services = chat.run.exchange.services
    model = services.model
    if model is None:
        return ["no_model", "no model is set up: give the process a key for one", ""], Status.FAILED
    request = request_of(model, prompt, system, schema, max_tokens)
    shown: list[str] = []
    try:
        if schema is not None:
            return await _unless_stopped(chat, fill_in(services, request, schema)), Status.OK
        if message is not None:
            return await _stream(chat, request, message, shown), Status.OK
        return await _unless_stopped(chat, _write(chat, request)), Status.OK
    except CallFailed as failure:
        kind, why = failure.kind, failure.message
    except ModelError as error:
        kind, why = error.kind.value, str(error)
    except Unavailable as error:
        kind, why = "unavailable", str(error)
    # A text that a person has seen does not vanish; what the model took back is not kept.
    left = "" if not shown else "…" if kind == "declined" else f"{''.join(shown)} …"
    return [kind, why, left], Status.FAILED


async def _write(chat: Stage, request: ModelRequest) -> str:
    async with aclosing(pieces(chat.run.exchange.services, request)) as written:
        return "".join([clean(piece) async for piece in written])


async def _stream(chat: Stage, request: ModelRequest, message: NewMessage, shown: list[str]) -> str:
    text, stopped = await streaming.stream(chat.run, message, _noted(chat, request, shown))
    if stopped:
        chat.run.exchange.fresh.append(replace(message, content=text))
        raise chat.run.leave(Stopped())
    return text


async def _noted(chat: Stage, request: ModelRequest, shown: list[str]) -> AsyncGenerator[str, None]:
    async with aclosing(pieces(chat.run.exchange.services, request)) as written:
        async for piece in written:
            shown.append(clean(piece))
            yield piece


async def _unless_stopped(chat: Stage, work: Coroutine[Any, Any, Any]) -> Any:
    """Await the model; Stop ends the turn at once."""
    asking = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(chat.run.exchange.services.stopped.wait())
    try:
        await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        complete = asking.done()
        stopping.cancel()
        if not complete:
            asking.cancel()
            await asyncio.wait({asking})
    if not complete:
        raise chat.run.leave(Stopped())
    return await asking
