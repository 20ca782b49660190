"""`migrate`, `doctor`."""

from __future__ import annotations

import typer

from bot.cli.output import AsJson, show, show_one
from bot.cli.session import run, start
from bot.doctor import examine
from bot.errors import Failed
from storage.migrate import head, migrate


def add_to(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command("migrate")
    def migrate_command(as_json: AsJson = False) -> None:
        """Create the roles and bring the schema up to date.

        Logs in with DATABASE_OWNER_URL and gives the roles parley_runtime and parley_dispatch the password of
        DATABASE_URL. Run it before every new version; a database that is up to date is left as it is. Embedded
        servers are migrated by themselves.
        """
        settings = start()
        owner = settings.database_owner_url
        if settings.parley_single_role:
            owner = owner or settings.database_url
            settings.require("DATABASE_URL")
        else:
            settings.require("DATABASE_OWNER_URL", "DATABASE_URL")
        assert owner is not None and settings.database_url is not None
        applied = run(migrate(owner, settings.database_url, single_role=settings.parley_single_role))
        show_one({"revision": head(), "applied": applied}, as_json=as_json)

    @app.command()
    def doctor(as_json: AsJson = False) -> None:
        """Check settings, servers, roles, keys and bots.

        Says what to do about what is wrong, and ends with 1 if anything is.
        """
        findings = run(examine(start()))
        show([finding.row() for finding in findings], as_json=as_json)
        wrong = [finding.check for finding in findings if finding.state == "wrong"]
        if wrong:
            raise Failed(f"wrong: {', '.join(wrong)}; see above")
