"""`say`: tell the person something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from flows.errors import FlowMistake, Unavailable
from flows.exchange import Exchange
from flows.signals import Stopped
from flows.stage import Stage
from flows.vocabulary import Button, Card, Choice, File, Image, Reply, as_choices, clean
from storage.records import ContentType


async def say(
    chat: Stage,
    text: str = "",
    *,
    choices: Sequence[str | Choice] = (),
    card: Card | None = None,
    image: Image | None = None,
    file: File | None = None,
    stream: AsyncIterator[str] | None = None,
    sensitive: bool = False,
) -> None:
    """Say a text, with choices, a card, an image or a file; or stream one as it is written.

    A choice of `say` is a suggestion: pressing it starts its `flow`, or sends its label as if typed.
    Silent while the run replays what the person has heard.
    """
    run = chat.run
    run.begin("say")
    if not run.speaking:
        await _close(stream)
        return
    run.want(text)
    if stream is not None:
        await _stream(chat, stream, sensitive)
        return
    if not (text or choices or card or image or file):
        raise FlowMistake("say: there is nothing to say; give a text, choices, a card, an image or a file")
    buttons = tuple(_button(choice) for choice in as_choices(choices))
    run.exchange.say(Reply(text, buttons, card, image, file, sensitive))


def _button(choice: Choice) -> Button:
    return Button(choice.label, f"flow:{choice.flow}" if choice.flow else f"text:{choice.label}")


async def _stream(chat: Stage, stream: AsyncIterator[str], sensitive: bool) -> None:
    """Show each piece as it comes; Stop ends the turn with what has come so far."""
    run, exchange = chat.run, chat.run.exchange
    stopped = exchange.services.stopped
    message = exchange.message("", ContentType.TEXT, sensitive)
    pieces: list[str] = []
    pump = asyncio.ensure_future(_pump(exchange, message.id, stream, pieces))
    stopping = asyncio.ensure_future(stopped.wait())
    try:
        await asyncio.wait({pump, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        complete = pump.done()
        stopping.cancel()
        if not complete:
            pump.cancel()
            await asyncio.wait({pump})
    if complete:
        await run.port(pump)
    else:
        pieces.append(exchange.bot.texts.stopped)
    exchange.fresh.append(replace(message, content="".join(pieces)))
    if not complete:
        raise run.leave(Stopped())


async def _pump(exchange: Exchange, message_id: UUID, stream: AsyncIterator[str], pieces: list[str]) -> None:
    """Send every piece as it comes. One task from start to end, since a stream may not change its task."""
    attempt = exchange.turn.entry.attempt
    try:
        async for piece in stream:
            pieces.append(clean(piece))
            with suppress(Unavailable):
                await exchange.port(exchange.services.delta(message_id, attempt, len(pieces), pieces[-1]))
    finally:
        await _close(stream)


async def _close(stream: AsyncIterator[str] | None) -> None:
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
