"""`emulate model` and `emulate slack`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from bot.cli.session import run
from bot.errors import PortTaken

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Stand in for other services, to try things without an account of theirs."""


@app.command()
def model(
    port: Annotated[
        int,
        typer.Option(metavar="PORT", min=0, max=65535, help="The port to listen on; 0 takes any free one."),
    ] = 0,
) -> None:
    """Speak Anthropic's API on 127.0.0.1, without a model.

    It prints the variables to set, then answers until Ctrl-C: with documents, by quoting the sentences that fit the
    question best. PUT /emulator/script has it say other things, or fail; GET /emulator/requests shows what came in.
    """
    # Imported here: no other command serves it.
    from bot.emulators.model.server import ModelEmulator

    emulator = ModelEmulator(port=port)
    _serve(emulator, port, lambda: f"ANTHROPIC_BASE_URL={emulator.url} ANTHROPIC_API_KEY={emulator.key}")


@app.command()
def slack(
    port: Annotated[
        int,
        typer.Option(metavar="PORT", min=0, max=65535, help="The port to listen on; 0 takes any free one."),
    ] = 0,
    app_url: Annotated[
        str, typer.Option(metavar="URL", help="Where Parley runs: events go to /slack/events there.")
    ] = "http://localhost:8080",
) -> None:
    """Play Slack on 127.0.0.1: its API, its events, Socket Mode, and a page to chat as one of its users.

    It prints the variables to set and the page's address, then answers until Ctrl-C. GET /emulator/messages,
    /emulator/calls and /emulator/deliveries show what was said; PUT /emulator/faults has things go wrong.
    """
    # Imported here: no other command serves it.
    from bot.emulators.slack.server import SlackEmulator

    emulator = SlackEmulator(app_url=app_url, port=port, limits=True)
    _serve(emulator, port, lambda: "\n".join((*emulator.variables, f"Chat at {emulator.url}/")))


def _serve(emulator: AbstractAsyncContextManager[object], port: int, told: Callable[[], str]) -> None:
    """Run an emulator until Ctrl-C, and say what is to be known of it once it answers."""

    async def serve() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopped.set)
        try:
            async with emulator:
                typer.echo(told())
                await stopped.wait()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise PortTaken(
                f"cannot listen on 127.0.0.1 port {port} ({reason}): give --port another"
            ) from None

    run(serve())
