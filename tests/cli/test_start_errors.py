"""What keeps Parley from starting: one line that says what to do, exit code 1, nothing left running."""

from __future__ import annotations

import pytest
from commands import ROOT, servers_of

OTHER_KEY = "cd" * 32


def refusal(shell, *command):
    done = shell.run(*command)
    assert done.code == 1, done
    assert servers_of(shell.folder) == []
    return done.said


@pytest.fixture
def begun(shell):
    """A shell whose data folder has a tenant already."""
    assert shell.run("tenant", "create", "acme").code == 0
    return shell


def test_a_data_folder_of_another_postgresql(begun):
    (begun.data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    for command in (("run",), ("tenant", "list"), ("chat",)):
        said = refusal(begun, *command)
        assert "is of PostgreSQL 16 and this is 18" in said
        assert "set PARLEY_DATA_DIR" in said


def test_a_data_folder_that_cannot_be_made(shell):
    (shell.folder / "var").write_text("a file")
    assert "set PARLEY_DATA_DIR" in refusal(shell, "run")


def test_a_data_folder_on_a_read_only_place(shell):
    said = refusal(shell.with_environment(PARLEY_DATA_DIR="/proc/parley"), "run")
    assert "/proc/parley" in said
    assert "set PARLEY_DATA_DIR" in said


def test_another_secret_key_than_the_databases(begun):
    said = refusal(begun.with_environment(PARLEY_SECRET_KEY=OTHER_KEY), "run")
    assert "PARLEY_SECRET_KEY is not the one that this database was sealed with" in said


def test_a_lost_secret_key(begun):
    (begun.data_dir / "secret.key").unlink()
    said = refusal(begun, "run")
    assert "secret.key is missing and the database was sealed with it: put the file back" in said
    assert not (begun.data_dir / "secret.key").exists()


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        ("bot.toml", 'name = "Acme\n', "bot.toml is not valid TOML"),
        ("bot.toml", 'nmae = "Acme"\n', "bot.toml: unknown key nmae"),
        ("flows/order.py", "def broken(:\n", "order.py:1: invalid syntax"),
        ("flows/order.py", "\nimport nothing_there\n", "order.py:2: ModuleNotFoundError"),
        ("flows/order.py", 'from flows import Flow\norder = Flow("order")\n', "order.py: "),
    ],
)
def test_a_mistake_in_a_bot_is_told_with_its_place(begun, path, content, said):
    file = begun.folder / "bots" / "acme" / path
    file.parent.mkdir(parents=True)
    file.write_text(content)
    shell = begun.with_environment(PARLEY_BOTS_DIR=str(begun.folder / "bots"))
    assert said in refusal(shell, "run")
    assert said in refusal(shell, "flows", "list", "--tenant", "acme")


@pytest.mark.parametrize("command", ["run", "web", "worker", "clock"])
def test_postgres_is_away(deployed, command):
    away = deployed.with_environment(
        DATABASE_URL="postgresql://parley_runtime@127.0.0.1:1/parley",
        DATABASE_OWNER_URL="postgresql://postgres@127.0.0.1:1/parley",
    )
    said = refusal(away, command)
    assert "cannot reach Postgres" in said
    assert "check DATABASE_" in said


@pytest.mark.parametrize("command", ["run", "web", "worker", "clock"])
def test_redis_is_away(deployed, command):
    said = refusal(deployed.with_environment(REDIS_URL="redis://127.0.0.1:1"), command)
    assert "Redis is not available" in said
    assert said.endswith("check REDIS_URL")


def test_a_database_that_is_not_migrated(deployed, servers):
    url = servers.owner_url
    bare = deployed.with_environment(
        DATABASE_URL=url.replace("/parley?", "/postgres?"), DATABASE_OWNER_URL=""
    )
    assert "can look past row-level security" in refusal(bare, "web")
    runtime = url.replace("//postgres@", "//parley_runtime@").replace("/parley?", "/postgres?")
    for command in (("run",), ("web",), ("tenant", "list")):
        assert "run `parley migrate`" in refusal(bare.with_environment(DATABASE_URL=runtime), *command)


def test_doctor_says_what_is_wrong_and_goes_on(deployed):
    done = deployed.with_environment(REDIS_URL="redis://127.0.0.1:1").run("doctor", "--json")
    assert done.code == 1
    states = {finding["check"]: finding["state"] for finding in done.json}
    assert (states["postgres"], states["redis"]) == ("ok", "wrong")
    assert "wrong: redis" in done.said


def test_the_settings_of_a_dotenv_file_count(shell):
    (shell.folder / ".env").write_text("REDIS_URL=http://wrong\n")
    assert "REDIS_URL has the wrong scheme" in refusal(shell, "run")
    (shell.folder / ".env").write_bytes(b"\xff\xfe")
    assert ".env is not text in UTF-8" in refusal(shell, "run")


def test_the_demo_bot_of_the_repository_is_whole(shell):
    assert (
        shell.with_environment(PARLEY_BOTS_DIR=str(ROOT / "config" / "tenants")).run("flows", "list").code
        == 0
    )
