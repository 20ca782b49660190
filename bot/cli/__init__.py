"""The command line. Exit codes: 0 done, 1 it did not work, 2 it was asked wrongly."""

from __future__ import annotations

import importlib.metadata
import sys
import tomllib
from pathlib import Path
from typing import Annotated, TextIO

import typer

from adapters.errors import AdapterError
from bot.cli import (
    approvals,
    asking,
    channels,
    chat,
    database,
    emulate,
    flows,
    knowledge,
    operators,
    replay,
    serve,
    sessions,
    slack,
    tenants,
)
from bot.cli.output import forget_output
from bot.cli.refusals import plainly
from bot.errors import ProcessError
from config.errors import ConfigError
from flows.errors import FlowError
from storage.embedded.errors import EmbeddedError
from storage.errors import StorageError

EXPECTED = (ConfigError, StorageError, EmbeddedError, FlowError, AdapterError, ProcessError)
GUIDE = """A self-hosted, multi-tenant chatbot runtime.

Begin with `parley run` and open http://localhost:8080/, or talk in the terminal with `parley chat`. Without
DATABASE_URL and REDIS_URL, commands use PostgreSQL and Redis of their own in PARLEY_DATA_DIR (./var)."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="parley",
        help=GUIDE,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )

    @app.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
        ] = False,
    ) -> None:
        pass

    for module in (serve, database, chat, knowledge, asking, replay):
        module.add_to(app)
    app.add_typer(tenants.app, name="tenant")
    app.add_typer(channels.app, name="channel")
    app.add_typer(slack.app, name="slack")
    app.add_typer(flows.app, name="flows")
    app.add_typer(operators.app, name="operator")
    app.add_typer(sessions.app, name="sessions")
    app.add_typer(approvals.app, name="approvals")
    app.add_typer(emulate.app, name="emulate")
    return app


def main() -> None:
    """Run the command; what goes wrong is one line that says what to do."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows what it can, rather than ending the command.
        _tolerate(stream)
    try:
        code = build()(prog_name="parley", standalone_mode=False)
    except EXPECTED as error:
        _end(str(error), 1)
    except KeyboardInterrupt:
        _end("stopped", 1)
    except BrokenPipeError:
        # As `parley … | head` does.
        forget_output()
        raise SystemExit(1) from None
    except Exception as error:
        _end(*_explained(error))
    raise SystemExit(code or 0)


def _explained(error: Exception) -> tuple[str, int]:
    """One line for what the command line refused (2), or for what nobody expected (1).

    Typer keeps its copy of Click to itself, so a refusal is known by what all of them have.
    """
    refusal = getattr(error, "format_message", None)
    if refusal is not None:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "parley"
        said = plainly(str(refusal()).strip())
        if "\n" in said:
            # No command at all: what is said is the help.
            typer.echo(said, err=True)
            raise SystemExit(2)
        return f"{said.rstrip('.')}; see `{command} --help`", 2
    if sys.flags.dev_mode:
        raise error
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""
    return (
        f"unexpected {type(error).__name__}{where}: {error} (a mistake of ours, please report it; "
        "`python -X dev -m bot …` shows more)"
    ), 1


def _end(text: str, code: int) -> None:
    if line := " ".join(text.split()):
        print(f"parley: {line}", file=sys.stderr)
    raise SystemExit(code) from None


def _tolerate(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"parley {_version()}")
        raise typer.Exit


def _version() -> str:
    try:
        return importlib.metadata.version("parley")
    except importlib.metadata.PackageNotFoundError:
        # Run from a checkout that is not installed.
        project = Path(__file__).resolve().parents[2] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
