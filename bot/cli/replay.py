"""`replay`: a stored conversation with today's flows."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import orjson
import typer

from bot.cli.output import AsJson, printable
from bot.cli.session import run, short_runtime, start
from bot.demo import SLUG
from bot.errors import Failed
from bot.talks import load_talk
from flows.rehearsal.replaying import Replayed, replay
from flows.rehearsal.transcript import lines_of
from storage.errors import NotFound


def add_to(app: typer.Typer) -> None:
    """Add `replay`."""

    @app.command("replay")
    def replay_command(
        session: Annotated[UUID, typer.Argument(metavar="SESSION", help="The session's id.")],
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose session.")] = SLUG,
        as_json: AsJson = False,
    ) -> None:
        """Run a stored conversation against today's flows and print what comes out differently.

        Models and calls are answered from the record; nothing is sent, called or written. Exit code 1 when something
        differs, 2 when there is no such session.
        """
        settings = start()

        async def work() -> Replayed:
            async with short_runtime(settings) as runtime:
                talk, bot = await load_talk(runtime, tenant, session)
            return await replay(bot, talk)

        try:
            replayed = run(work())
        except (Failed, NotFound) as error:
            raise typer.BadParameter(str(error)) from None
        if as_json:
            typer.echo(orjson.dumps(_told(session, replayed), option=orjson.OPT_INDENT_2).decode())
        else:
            _print(session, replayed)
        if replayed.differs:
            raise typer.Exit(1)


def _print(session: UUID, replayed: Replayed) -> None:
    if replayed.differs:
        typer.echo(f"✗ session {session}")
        for line in lines_of(replayed):
            typer.echo(printable(line))
        typer.echo()
    for note in replayed.notes:
        typer.echo(f"note: {printable(note)}")
    if replayed.differs:
        typer.echo("differs from what was said")
    elif replayed.stopped is not None:
        typer.echo(f"no differences up to where it stops: {printable(replayed.stopped)}")
    else:
        typer.echo("no differences")


def _told(session: UUID, replayed: Replayed) -> dict[str, object]:
    return {
        "session": str(session),
        "same": not replayed.differs,
        "stopped": replayed.stopped,
        "notes": replayed.notes,
        "transcript": [{"mark": line.mark.value, "text": line.text} for line in replayed.lines],
    }
