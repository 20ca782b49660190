"""`chat`: talk to a tenant's bot in the terminal, through the same runtime as every platform."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from adapters.terminal.adapter import TerminalAdapter
from adapters.terminal.parse import parse
from adapters.terminal.verify import user_of_terminal
from bot.cli.session import run, start
from bot.demo import SLUG, ensure_demo
from bot.parts import resolve
from bot.runtime import Roles, Runtime, open_runtime
from config.settings import Settings
from storage.ids import uuid7
from storage.records import Channel

PROMPT = "you> "


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def chat(
        tenant: Annotated[str, typer.Option("--tenant", help="The tenant's slug.")] = SLUG,
        user: Annotated[str | None, typer.Option(help="Who is talking; your login name otherwise.")] = None,
    ) -> None:
        """Talk to a bot here; Ctrl-D ends. The conversation goes on where it was left."""
        run(_chat(start(), tenant, user or user_of_terminal()))


async def _chat(settings: Settings, slug: str, user: str) -> None:
    adapter = TerminalAdapter(lambda text: print(f"bot> {text}", flush=True))
    roles = Roles(sweeps=False)
    async with (
        resolve(settings, join=True) as resolved,
        open_runtime(resolved.parts, roles, {"terminal": adapter}) as runtime,
    ):
        if slug == SLUG and resolved.embedded:
            await ensure_demo(runtime)
        channel = await _channel(runtime, slug)
        if sys.stdin.isatty():
            print(f"{runtime.bots.config(slug).greeting.strip()}  (Ctrl-D ends)")
        while line := await _read_line():
            if text := _clean(line):
                await runtime.door.accept(parse(channel, user, text, str(uuid7())))
                assert runtime.turns is not None and runtime.deliveries is not None
                await runtime.turns.settle()
                await runtime.deliveries.settle()


async def _channel(runtime: Runtime, slug: str) -> Channel:
    tenant = await runtime.tenants.find(slug)
    account = f"chat-{slug}"
    channel = await runtime.channels.find("terminal", account)
    if channel is None:
        channel = await runtime.channels.create(tenant.id, "terminal", account)
    return channel


async def _read_line() -> str:
    if sys.stdin.isatty():
        print(PROMPT, end="", flush=True)
    return await asyncio.to_thread(sys.stdin.readline)


def _clean(line: str) -> str:
    """What was typed, without NUL and halves of characters, which no message may have."""
    return line.replace("\x00", "").encode("utf-8", "ignore").decode().strip()
