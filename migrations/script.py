"""Runs a migration's plain SQL file, whole, inside Alembic's transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import op
from sqlalchemy import text
from sqlalchemy.util import await_only


def run_beside(revision_file: str) -> None:
    """Execute the `.sql` file that has the revision's name.

    SQLAlchemy's asyncpg dialect prepares every statement, which allows one at a time; asyncpg's own
    `execute` takes a whole script. The first statement goes through SQLAlchemy so that its transaction
    is open before the script runs in it.
    """
    script = Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8")
    connection = op.get_bind()
    connection.execute(text("select 1"))
    driver = connection.connection.driver_connection
    assert driver is not None
    await_only(driver.execute(script))
