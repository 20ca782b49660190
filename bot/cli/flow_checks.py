"""`flows check`: flows held against the records of their tests, or of the running sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from bot.bots import bot_of
from bot.cli.flow_tests import FOLDER, bot_named, tests_in
from bot.cli.output import AsJson, show
from bot.cli.session import run, short_runtime, start
from bot.demo import SLUG
from config.bots import load_bot
from config.settings import Settings
from flows.bot import Bot
from flows.checking.fates import Fate, outlook
from flows.checking.repeating import Unsteady, check
from storage.keys import Vault
from storage.states import States


def add_to(app: typer.Typer) -> None:
    """Add `check`."""

    @app.command("check")
    def check_command(
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot.")] = SLUG,
        live: Annotated[
            bool, typer.Option("--live", help="What becomes of the running sessions with today's code.")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Run each flow several times over the same records, those of its conversation tests.

        Exit code 1 where two runs differ: what changes from run to run belongs in `memo` or `call`. With --live the
        records are those of the running sessions, and it is told which continue, migrate or restart; nothing is
        written.
        """
        settings = start()
        if live:
            bot = bot_of(load_bot(settings.parley_bots_dir, tenant))
            _show_live(run(_live(settings, tenant, bot)), as_json=as_json)
        else:
            bot = bot_named(settings, tenant)
            _check_tests(settings.parley_bots_dir / tenant / FOLDER, bot, as_json=as_json)


async def _live(settings: Settings, tenant: str, bot: Bot) -> list[dict[str, Any]]:
    """What becomes of each running session."""
    async with short_runtime(settings) as runtime:
        owner = await runtime.tenants.find(tenant)
        states = States(runtime.database, Vault(runtime.database, runtime.secrets))
        rows = []
        async for session, state in states.live(owner.id):
            look = await outlook(bot, session, state, datetime.now(UTC))
            rows.append(
                {
                    "session": session.id,
                    "flow": look.flow,
                    "version": state.flow_version,
                    "waits_at": state.state_name,
                    "fate": look.fate.value,
                    "why": look.why,
                }
            )
        return rows


def _show_live(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show(rows, as_json=True)
        return
    moved = [row for row in rows if row["fate"] != Fate.CONTINUES or row["why"]]
    if moved:
        show(moved, as_json=False)
    counts = {fate: sum(row["fate"] == fate for row in rows) for fate in Fate}
    told = ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)
    typer.echo(
        f"{_counted(len(rows), 'running session')}: {told}"
        if rows
        else "No flow is under way in any session."
    )


def _check_tests(folder: Path, bot: Bot, *, as_json: bool) -> None:
    scripts = tests_in([folder])
    found: dict[tuple[str, str], tuple[Unsteady, str]] = {}
    for script in scripts:
        for each in run(check(bot, script)):
            found.setdefault((each.place, each.verb), (each, script.name))
    if as_json:
        rows = [
            {
                "flow": each.flow,
                "place": each.place,
                "verb": each.verb,
                "grave": each.grave,
                "mistake": each.mistake,
                "difference": each.difference,
                "test": test,
            }
            for each, test in found.values()
        ]
        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        for each, _ in found.values():
            typer.echo(": ".join(filter(None, (each.place, each.flow, each.verb, each.difference))))
        typer.echo(_summary(len(scripts), [each for each, _ in found.values()]))
    if any(each.grave for each, _ in found.values()):
        raise typer.Exit(1)


def _summary(tests: int, found: Sequence[Unsteady]) -> str:
    mistakes = sum(each.mistake for each in found)
    grave = sum(each.grave for each in found) - mistakes
    notes = len(found) - grave - mistakes
    told = f"{_counted(tests, 'test')}: {_counted(grave, 'difference') if grave else 'no differences'} between runs"
    told += f", and {notes} in words only" if notes else ""
    return told + (f"; {_counted(mistakes, 'mistake')}" if mistakes else "")


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
