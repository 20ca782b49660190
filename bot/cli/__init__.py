"""The command line. Exit codes: 0 done, 1 it did not work, 2 it was asked wrongly."""

from __future__ import annotations

import sys

import typer

from adapters.errors import AdapterError
from bot.cli import channels, chat, database, flows, serve, tenants
from bot.errors import ProcessError
from config.errors import ConfigError
from flows.errors import FlowError
from storage.embedded.errors import EmbeddedError
from storage.errors import StorageError

EXPECTED = (ConfigError, StorageError, EmbeddedError, FlowError, AdapterError, ProcessError)


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="parley",
        help="A self-hosted, multi-tenant chatbot runtime.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for module in (serve, database, chat):
        module.add_to(app)
    app.add_typer(tenants.app, name="tenant")
    app.add_typer(channels.app, name="channel")
    app.add_typer(flows.app, name="flows")
    return app


def main() -> None:
    """Run the command; what is expected to go wrong is one line that says what to do."""
    try:
        build()()
    except EXPECTED as error:
        print(f"parley: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(1) from None
