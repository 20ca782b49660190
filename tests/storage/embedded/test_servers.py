from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio

from storage.embedded.errors import AlreadyRunning, CannotStart, DataFolderWrong
from storage.embedded.servers import embedded_servers

ServersOf = Callable[[Path], list[psutil.Process]]


async def test_a_second_start_has_what_the_first_one_wrote_and_stopping_leaves_nothing_running(
    folder: Path, servers_of: ServersOf
) -> None:
    async with embedded_servers(folder) as first:
        connection = await asyncpg.connect(first.owner_url)
        await connection.execute("create extension vector; create table said (what text)")
        await connection.execute("insert into said values ('hello')")
        await connection.close()
        assert len(servers_of(folder)) > 2
    assert servers_of(folder) == []
    async with embedded_servers(folder) as second:
        assert second == first
        connection = await asyncpg.connect(second.owner_url)
        assert await connection.fetchval("select what from said") == "hello"
        await connection.close()
    assert servers_of(folder) == []


async def test_the_servers_listen_on_private_sockets_only(folder: Path, servers_of: ServersOf) -> None:
    async with embedded_servers(folder) as addresses:
        listening = [c for p in servers_of(folder) for c in p.net_connections("inet") if c.status == "LISTEN"]
        assert listening == []
        assert (folder / "run").stat().st_mode & 0o077 == 0
        connection = await asyncpg.connect(addresses.owner_url)
        assert await connection.fetchval("show synchronous_commit") == "on"
        await connection.close()


async def test_the_servers_do_not_run_as_root(folder: Path, servers_of: ServersOf) -> None:
    async with embedded_servers(folder):
        assert all(process.uids().real != 0 for process in servers_of(folder))


async def test_a_failing_row_does_not_come_into_the_log(folder: Path) -> None:
    async with embedded_servers(folder) as addresses:
        connection = await asyncpg.connect(addresses.owner_url)
        await connection.execute("create table said (what text check (what <> 'canary'))")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("insert into said values ('canary')")
        await connection.close()
    log = (folder / "logs" / "postgres.log").read_text()
    assert "violates check constraint" in log
    assert "canary" not in log


async def test_only_the_wanted_server_is_started(folder: Path, servers_of: ServersOf) -> None:
    async with embedded_servers(folder, postgres=False) as addresses:
        assert addresses.owner_url is None
        assert [process.name() for process in servers_of(folder)] == ["redis-server"]
        assert not (folder / "postgres").exists()


async def test_redis_starts_empty_and_refuses_rather_than_forgets_when_full(folder: Path) -> None:
    async with embedded_servers(folder, postgres=False) as addresses:
        assert addresses.redis_url is not None
        client = redis.asyncio.Redis.from_url(addresses.redis_url, decode_responses=True)
        assert await client.set("kept", "no")
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"
        await client.aclose()
    async with embedded_servers(folder, postgres=False) as addresses:
        assert addresses.redis_url is not None
        client = redis.asyncio.Redis.from_url(addresses.redis_url)
        assert await client.get("kept") is None
        await client.aclose()


async def test_a_second_owner_is_told_who_is_running(folder: Path) -> None:
    async with embedded_servers(folder, postgres=False):
        with pytest.raises(AlreadyRunning, match=f"pid {os.getpid()}") as caught:
            async with embedded_servers(folder, postgres=False):
                pass
    assert caught.value.pid == os.getpid()


async def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(folder: Path) -> None:
    long = folder / ("long" * 25)
    async with embedded_servers(long) as addresses:
        connection = await asyncpg.connect(addresses.owner_url)
        [sockets] = [await connection.fetchval("show unix_socket_directories")]
        await connection.close()
        assert len(sockets) < 60
        assert Path(sockets).stat().st_mode & 0o077 == 0
        assert str(long) not in (addresses.redis_url or "")
    Path(sockets).rmdir()


async def test_a_folder_of_another_version_is_refused_and_left_as_it_is(folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(DataFolderWrong, match="PostgreSQL 16 and this is 18"):
        async with embedded_servers(folder):
            pass
    assert [path.name for path in (folder / "postgres").iterdir()] == ["PG_VERSION"]


async def test_a_folder_with_something_else_in_it_is_refused(folder: Path) -> None:
    (folder / "postgres").mkdir(parents=True)
    (folder / "postgres" / "holiday.jpg").touch()
    with pytest.raises(DataFolderWrong, match="holds no PostgreSQL data"):
        async with embedded_servers(folder):
            pass


async def test_a_damaged_cluster_is_refused_in_postgres_own_words(
    folder: Path, servers_of: ServersOf
) -> None:
    async with embedded_servers(folder, redis=False):
        pass
    (folder / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(CannotStart, match="could not find the database system"):
        async with embedded_servers(folder):
            pass
    assert servers_of(folder) == []


async def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    folder.touch()
    with pytest.raises(DataFolderWrong, match="PARLEY_DATA_DIR"):
        async with embedded_servers(folder / "deeper"):
            pass


async def test_a_lock_that_is_no_file_is_refused(folder: Path) -> None:
    (folder / "lock").mkdir(parents=True)
    with pytest.raises(DataFolderWrong, match="remove it"):
        async with embedded_servers(folder):
            pass


async def test_servers_run_below_a_folder_that_only_its_owner_may_enter(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    async with embedded_servers(folder / "var") as addresses:
        assert addresses.owner_url is not None
        connection = await asyncpg.connect(addresses.owner_url)
        await connection.close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_without_a_way_through_a_closed_folder_that_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    folder.chmod(0o700)
    monkeypatch.setattr(os, "defpath", "/nowhere")
    # Only root's servers run as somebody else; anybody else's need no way through.
    said = pytest.raises(CannotStart, match="may not pass through ") if os.geteuid() == 0 else nullcontext()
    with said:
        async with embedded_servers(folder / "var"):
            pass
