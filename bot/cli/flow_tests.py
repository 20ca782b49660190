"""`flows test` and `flows record`: conversation tests played, and written from what was said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer

from bot.bots import bot_of
from bot.cli.output import AsJson
from bot.cli.session import run, short_runtime, start
from bot.demo import SLUG
from bot.talks import load_talk
from config.bots import load_bot, slugs_in
from config.errors import ConfigError
from config.settings import Settings
from flows.bot import Bot
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_file, read_text
from flows.rehearsal.script import Script, ScriptMistake
from flows.rehearsal.transcript import Mark, Played, Transcript, told
from flows.rehearsal.writing import write

FOLDER = "tests"


def add_to(app: typer.Typer) -> None:
    """Add `test` and `record`."""

    @app.command()
    def test(
        files: Annotated[
            list[Path] | None,
            typer.Argument(metavar="[FILE…]", help="Files or folders of tests; the bot's own otherwise."),
        ] = None,
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose bot.")] = SLUG,
        as_json: AsJson = False,
    ) -> None:
        """Play conversation tests: <PARLEY_BOTS_DIR>/<slug>/tests/*.yaml. Needs no server.

        Exit code 1 when one differs; what differed is printed as a transcript.
        """
        settings = start()
        bot = bot_named(settings, tenant)
        scripts = tests_in(files or [settings.parley_bots_dir / tenant / FOLDER])
        started = time.perf_counter()
        played = run(_play_all(bot, scripts))
        if as_json:
            rows = [_told(each) for each in played]
            typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        else:
            _print(played, time.perf_counter() - started)
        if any(each.differs for each in played):
            raise typer.Exit(1)

    @app.command()
    def record(
        session: Annotated[UUID, typer.Argument(metavar="SESSION", help="The session's id.")],
        tenant: Annotated[str, typer.Option(metavar="SLUG", help="Whose session.")] = SLUG,
    ) -> None:
        """Write a stored session as a conversation test, to standard output.

        Sensitive texts stay `[sensitive]`. What the test still needs, such as the answers of a sensitive flow's calls,
        is said on standard error.
        """
        settings = start()

        async def work() -> tuple[str, Bot]:
            async with short_runtime(settings) as runtime:
                talk, bot = await load_talk(runtime, tenant, session)
                return write(f"Session {session}", talk.messages, talk.results), bot

        written, bot = run(work())
        typer.echo(written, nl=False)
        needs = run(_needed(bot, written))
        for each in needs:
            typer.echo(f"to be filled in: {each}", err=True)


def bot_named(settings: Settings, slug: str) -> Bot:
    """The bot in a tenant's folder. Raises ConfigError, also where there is no such folder, and FlowMistake."""
    config = load_bot(settings.parley_bots_dir, slug)
    if config.folder is None:
        there = ", ".join(slugs_in(settings.parley_bots_dir)) or "none"
        raise ConfigError(f"there is no bot {slug!r} in {settings.parley_bots_dir}; those there: {there}")
    return bot_of(config)


def tests_in(places: Sequence[Path]) -> list[Script]:
    """The tests of files and folders. Raises ScriptMistake, also when there is none."""
    paths = [path for place in places for path in _files(place)]
    scripts = [script for path in paths for script in read_file(path)]
    if not scripts:
        raise ScriptMistake(
            f"no conversation test in {', '.join(map(str, places))}: write a .yaml file there"
        )
    return scripts


async def _needed(bot: Bot, written: str) -> list[str]:
    """What is missing or differs when a recorded test is played with today's flows."""
    [script] = read_text(written, Path("recorded"))
    transcript = await play(bot, script)
    return remarks(transcript)


def remarks(transcript: Transcript) -> list[str]:
    """What to write into a recorded test, or to change in it, so that it passes."""
    lines = transcript.lines
    found = [line.text for line in lines if line.mark is Mark.WRONG]
    for line, following in zip(lines, [*lines[1:], None], strict=True):
        if line.mark is not Mark.MISSING:
            continue
        if following is not None and following.mark is Mark.EXTRA:
            found.append(f"line {line.at}: {line.text} was said then; today it is {following.text}")
        else:
            found.append(
                f"line {line.at}: {line.text} does not come of the lines in front of it; add there what made it come"
            )
    return list(dict.fromkeys(found))


def _files(place: Path) -> list[Path]:
    if place.suffix and not place.is_dir():
        return [place]
    return sorted(path for path in place.rglob("*") if path.suffix in (".yaml", ".yml"))


async def _play_all(bot: Bot, scripts: Sequence[Script]) -> list[Played]:
    return [await play(bot, script) for script in scripts]


def _print(played: Sequence[Played], seconds: float) -> None:
    differing = [each for each in played if each.differs]
    for transcript in differing:
        for line in told(transcript):
            # What a flow says must not steer the terminal.
            typer.echo("".join(c if c.isprintable() else " " for c in line))
        typer.echo()
    typer.echo(
        f"{len(played) - len(differing)} of {len(played)} as expected"
        + (f", {len(differing)} differ" if differing else "")
        + f" ({seconds:.2f} s)"
    )


def _told(transcript: Played) -> dict[str, Any]:
    script = transcript.script
    return {
        "name": script.name,
        "file": str(script.path),
        "line": script.line,
        "passed": not transcript.differs,
        "milliseconds": round(transcript.milliseconds, 2),
        "transcript": [
            {"mark": line.mark.value, "text": line.text, "line": line.at} for line in transcript.lines
        ],
    }
