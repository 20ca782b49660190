"""A reply that is shown while it is written, until it ends or the person presses Stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from flows.errors import Unavailable
from flows.exchange import Exchange
from flows.run import Run
from flows.vocabulary import clean
from storage.outcomes import NewMessage


async def stream(run: Run, message: NewMessage, pieces: AsyncIterator[str]) -> tuple[str, bool]:
    """Show each piece as it comes; the whole text, and whether Stop ended it. Raises what the pieces raise."""
    exchange = run.exchange
    said: list[str] = []
    pump = asyncio.ensure_future(_pump(exchange, message, pieces, said))
    stopping = asyncio.ensure_future(exchange.services.stopped.wait())
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
        said.append(exchange.bot.texts.stopped)
    return "".join(said), not complete


async def close(pieces: AsyncIterator[str] | None) -> None:
    """End a stream that nobody reads on."""
    if isinstance(pieces, AsyncGenerator):
        await pieces.aclose()


async def _pump(exchange: Exchange, message: NewMessage, pieces: AsyncIterator[str], said: list[str]) -> None:
    """Send every piece as it comes. One task from start to end, since a stream may not change its task."""
    attempt, show = exchange.turn.entry.attempt, exchange.services.delta
    try:
        async for piece in pieces:
            said.append(clean(piece))
            with suppress(Unavailable):
                await exchange.port(
                    show(message.id, attempt, len(said), said[-1], sensitive=message.sensitive)
                )
    finally:
        await close(pieces)
