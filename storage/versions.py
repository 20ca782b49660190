"""Alembic on a connection of ours. Apart from `storage.migrate`, since most starts have nothing to migrate.

Importing Alembic and SQLAlchemy takes about half a second and 35 MB.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from storage.errors import SchemaMismatch


async def upgrade(owner_url: str, migrations: Path, *, single_role: bool) -> None:
    """Run the versions in `migrations` that are missing. Raises SchemaMismatch where one cannot run."""
    settings = {"parley.single_role": "on" if single_role else "off"}
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(owner_url, server_settings=settings)
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade, migrations)
    except DBAPIError as error:
        raise _explained(error.orig or error) from error
    except asyncpg.PostgresError as error:
        raise _explained(error) from error
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


def _explained(error: BaseException) -> SchemaMismatch:
    said = str(error).strip().splitlines()[0]
    if "vector" in said:
        advice = "install pgvector on the server, or let an administrator run `create extension vector`"
    else:
        advice = "nothing of the failed version was kept; put it right and run `parley migrate` again"
    return SchemaMismatch(f"the migration failed: {said}; {advice}")
