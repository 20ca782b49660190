"""`run`, `web`, `worker`, `clock`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.session import run, start
from bot.processes import run_all, run_clock, run_web, run_worker

Host = Annotated[str, typer.Option(help="The address to listen on.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of the processes."""

    @app.command("run")
    def run_command(host: Host = "127.0.0.1") -> None:
        """Run everything in one process, on embedded servers unless DATABASE_URL and REDIS_URL are set."""
        run(run_all(start(quiet=False), host))

    @app.command()
    def web(host: Host = "0.0.0.0") -> None:  # noqa: S104 – a server's process listens to its network
        """Accept messages and serve the widget."""
        run(run_web(start(quiet=False), host))

    @app.command()
    def worker() -> None:
        """Run turns and deliveries."""
        run(run_worker(start(quiet=False)))

    @app.command()
    def clock() -> None:
        """Close silent sessions and clear what is out of date."""
        run(run_clock(start(quiet=False)))
