"""`run`, `web`, `worker`, `clock`."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.session import run, start
from bot.processes import run_all, run_clock, run_web, run_worker

Everywhere = Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")]
Here = Annotated[
    str, typer.Option(metavar="ADDRESS", help="The address to listen on; 0.0.0.0 lets other machines in.")
]
MonitorPort = Annotated[
    int | None,
    typer.Option(metavar="PORT", min=0, max=65535, help="Serve /healthz, /readyz and /metrics on this port."),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of the processes."""

    @app.command("run")
    def run_command(host: Here = "127.0.0.1") -> None:
        """Run everything in one process, with a demo bot to try.

        PostgreSQL and Redis are started in PARLEY_DATA_DIR unless DATABASE_URL and REDIS_URL name others. The
        page is at http://localhost:8080/, or at PORT. Ctrl-C stops everything that was started.
        """
        run(run_all(start(quiet=False), host))

    @app.command()
    def web(host: Everywhere = "0.0.0.0") -> None:  # noqa: S104 – a server's process listens to its network
        """Accept messages and serve the widget, on PORT.

        Needs DATABASE_URL, REDIS_URL and PARLEY_SECRET_KEY, and a `parley worker` beside it. Run as many of each
        as you like.
        """
        run(run_web(start(quiet=False), host))

    @app.command()
    def worker(host: Everywhere = "0.0.0.0", monitor_port: MonitorPort = None) -> None:  # noqa: S104
        """Run turns and deliveries.

        Needs DATABASE_URL, REDIS_URL and PARLEY_SECRET_KEY. Run as many as you like.
        """
        run(run_worker(start(quiet=False), host, monitor_port))

    @app.command()
    def clock(host: Everywhere = "0.0.0.0", monitor_port: MonitorPort = None) -> None:  # noqa: S104
        """Close sessions that fell silent and clear what is out of date.

        Needs DATABASE_URL, REDIS_URL and PARLEY_SECRET_KEY. One is enough; more do no harm.
        """
        run(run_clock(start(quiet=False), host, monitor_port))
