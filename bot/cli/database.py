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
        """Create the roles and bring the schema of DATABASE_OWNER_URL up to date."""
        settings = start()
        settings.require("DATABASE_OWNER_URL", "DATABASE_URL")
        assert settings.database_owner_url is not None and settings.database_url is not None
        done = run(
            migrate(
                settings.database_owner_url, settings.database_url, single_role=settings.parley_single_role
            )
        )
        show_one({"revision": head(), "applied": done if as_json else len(done)}, as_json=as_json)

    @app.command()
    def doctor(as_json: AsJson = False) -> None:
        """Check settings, servers, roles, keys and bots; says what to do about what is wrong."""
        findings = run(examine(start()))
        show([finding.row() for finding in findings], as_json=as_json)
        wrong = [finding.check for finding in findings if finding.state == "wrong"]
        if wrong:
            raise Failed(f"{', '.join(wrong)}: see above")
