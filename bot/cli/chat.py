"""`chat`: talk to a tenant's bot in the terminal, through the same runtime as every platform."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import replace
from typing import Annotated

import typer

from adapters.terminal.adapter import TerminalAdapter
from adapters.terminal.parse import parse
from adapters.terminal.verify import user_of_terminal
from bot.bots import completed
from bot.cli.keyboard import Keyboard
from bot.cli.output import forget_output
from bot.cli.session import run, start
from bot.console import chat_account
from bot.demo import SLUG, ensure_demo
from bot.errors import Failed, Stopped
from bot.parts import resolve
from bot.runtime import Roles, Runtime, open_runtime
from config.settings import Settings
from storage.ids import uuid7
from storage.records import Channel, MessageStatus

# A turn may wait for the lease of a process that was killed, or for a retry.
ANSWER_LIMIT_S = 90.0
LOOK_EVERY_S = 0.2


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def chat(
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot.")] = SLUG,
        user: Annotated[
            str | None, typer.Option(metavar="NAME", help="Who is talking; your login name otherwise.")
        ] = None,
    ) -> None:
        """Talk to a bot here.

        Ctrl-D or Ctrl-C ends it; the conversation goes on where it was left. It also reads from a pipe:
        printf 'balance\\nSavings\\n' | parley chat
        """
        with contextlib.suppress(Stopped):
            run(_chat(start(with_error_texts=True), tenant, user or user_of_terminal()))


async def _chat(settings: Settings, slug: str, user: str) -> None:
    # What web visitors wait for is left to the process that serves them.
    roles = Roles(searches=False, sweeps=False)
    async with (
        resolve(settings, join=True, lasting=True) as resolved,
        open_runtime(resolved.parts, roles, {"terminal": TerminalAdapter(_show)}) as runtime,
    ):
        if slug == SLUG and resolved.embedded:
            await ensure_demo(runtime)
        channel = await _channel(runtime, slug)
        keyboard = Keyboard("you> ")
        with keyboard.restored():
            if keyboard.is_terminal:
                _show(f"{runtime.bots.config(slug).greeting.strip()}  (Ctrl-D ends)")
            async for line in keyboard.lines():
                await _say(runtime, channel, user, line)
            if keyboard.is_terminal:
                print(flush=True)


async def _channel(runtime: Runtime, slug: str) -> Channel:
    tenant = await runtime.tenants.find(slug)
    account = chat_account(slug)
    channel = await runtime.channels.find("terminal", account)
    if channel is None:
        channel = await runtime.channels.create(tenant.id, "terminal", account)
    return completed(channel, runtime.bots.config(slug))


async def _say(runtime: Runtime, channel: Channel, user: str, line: str) -> None:
    """Have one line answered and the answer shown. Raises Failed when none comes."""
    inbound = replace(parse(channel, user, line, str(uuid7())), wants_reply=True)
    accepted = await runtime.door.accept(inbound)
    assert accepted.reply_id is not None and runtime.turns is not None and runtime.deliveries is not None
    lane = (channel.tenant_id, accepted.session_id)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            while True:
                await runtime.turns.settle()
                await runtime.deliveries.settle()
                reply = await runtime.conversations.reply(channel, user, accepted.reply_id)
                if reply is None or (
                    reply.status is not MessageStatus.PENDING and not await runtime.deliveries.waiting(*lane)
                ):
                    return
                await asyncio.sleep(LOOK_EVERY_S)
                runtime.turns.wake(*lane)
                runtime.deliveries.wake(*lane)
    except TimeoutError:
        raise Failed(
            f"no answer in {ANSWER_LIMIT_S:.0f} s; the message is kept, and `parley doctor` may say what is wrong"
        ) from None


def _show(text: str) -> None:
    try:
        print(f"bot> {text}", flush=True)
    except BrokenPipeError:
        # Whoever read the answers has gone, so the chat is over.
        forget_output()
        signal.raise_signal(signal.SIGTERM)
