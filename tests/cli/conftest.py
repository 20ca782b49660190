from __future__ import annotations

import pytest
from commands import ROOT, Shell, servers_of
from databases import short_folder

KEY = "ab" * 32
OTHER_KEY = "cd" * 32


@pytest.fixture
def shell():
    """A working folder of the test's own; what a failed test leaves running there is killed."""
    with short_folder("parley-cli-") as folder:
        yield Shell(folder)
        for process in servers_of(folder):
            process.kill()


@pytest.fixture
def deployed(shell, database, redis_url):
    """The shell of a deployment: servers by URL, migrated."""
    return shell.with_environment(
        DATABASE_URL=database.runtime_url,
        DATABASE_OWNER_URL=database.owner_url,
        REDIS_URL=redis_url,
        PARLEY_SECRET_KEY=KEY,
        PARLEY_BOTS_DIR=str(ROOT / "config" / "tenants"),
    )
