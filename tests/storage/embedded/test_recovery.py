from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import psutil
import pytest

from storage.embedded.processes import wait_until
from storage.embedded.servers import Addresses, embedded_servers

ServersOf = Callable[[Path], list[psutil.Process]]
StartOwner = Callable[[Path], AbstractContextManager["subprocess.Popen[str]"]]

SOCKET_LOCK = ".s.PGSQL.5432.lock"


def wait_ready(owner: subprocess.Popen[str]) -> None:
    assert owner.stdout is not None
    assert owner.stdout.readline() == "ready\n"


def owner_url(folder: Path) -> str:
    return f"postgresql://postgres@/parley?host={folder}/run&port=5432"


async def write(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    await connection.execute("create table said (what text)")
    await connection.execute("insert into said values ('committed')")
    await connection.execute("begin; insert into said values ('not committed')")
    return connection


async def read(addresses: Addresses) -> list[str]:
    connection = await asyncpg.connect(addresses.owner_url)
    said = [row["what"] for row in await connection.fetch("select what from said")]
    await connection.close()
    return said


def postmaster(servers: list[psutil.Process]) -> psutil.Process:
    return next(process for process in servers if "-D" in process.cmdline())


def kill_nobody_else(servers: list[psutil.Process]) -> None:
    pass


def kill_postgres_too(servers: list[psutil.Process]) -> None:
    postmaster(servers).kill()


def kill_everything(servers: list[psutil.Process]) -> None:
    for process in servers:
        process.kill()


@pytest.mark.parametrize("also", [kill_nobody_else, kill_postgres_too, kill_everything])
async def test_after_kill_9_of_the_owner_the_next_one_has_what_was_committed(
    folder: Path, servers_of: ServersOf, start_owner: StartOwner, also: Callable[[list[psutil.Process]], None]
) -> None:
    with start_owner(folder) as owner:
        await asyncio.to_thread(wait_ready, owner)
        connection = await write(owner_url(folder))
        left = servers_of(folder)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        also(left)
    async with embedded_servers(folder) as addresses:
        assert await read(addresses) == ["committed"]
        assert not {process.pid for process in left} & {process.pid for process in servers_of(folder)}
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.execute("commit")
    connection.terminate()
    assert servers_of(folder) == []


async def test_after_kill_9_in_the_middle_of_making_the_cluster_the_next_start_makes_it_anew(
    folder: Path, servers_of: ServersOf, start_owner: StartOwner
) -> None:
    with start_owner(folder) as owner:
        assert await wait_until(lambda: any(folder.glob("postgres.new-*/base")), 30)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert not (folder / "postgres").exists()
    async with embedded_servers(folder) as addresses:
        connection = await asyncpg.connect(addresses.owner_url)
        assert await connection.fetchval("select 1") == 1
        await connection.close()
        assert list(folder.glob("postgres.new-*")) == []


async def test_ctrl_c_reaches_the_owner_only_and_it_stops_both_servers_in_order(
    folder: Path, servers_of: ServersOf, start_owner: StartOwner
) -> None:
    with start_owner(folder) as owner:
        await asyncio.to_thread(wait_ready, owner)
        # As the terminal does it: to the whole process group, in which no server is.
        assert all(os.getpgid(server.pid) != owner.pid for server in servers_of(folder))
        os.killpg(owner.pid, signal.SIGINT)
        assert await asyncio.to_thread(owner.wait, 30) == 0
        assert servers_of(folder) == []
    assert not (folder / "postgres" / "postmaster.pid").exists()


async def test_a_pid_file_whose_pid_now_belongs_to_somebody_else_does_not_stop_the_start(
    folder: Path,
) -> None:
    async with embedded_servers(folder, redis=False):
        lines = (folder / "postgres" / "postmaster.pid").read_text().splitlines()
        socket_lock = (folder / "run" / SOCKET_LOCK).read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "600"], user=(folder / "postgres").stat().st_uid)
    try:
        for path, old in (
            (folder / "postgres" / "postmaster.pid", lines),
            (folder / "run" / SOCKET_LOCK, socket_lock),
        ):
            path.write_text("\n".join([str(stranger.pid), *old[1:]]) + "\n")
        async with embedded_servers(folder, redis=False) as addresses:
            assert addresses.owner_url
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_lock_left_by_a_dead_owner_holds_nobody_up(folder: Path) -> None:
    folder.mkdir()
    (folder / "lock").write_text(f"{os.getppid()}\n")
    async with embedded_servers(folder, postgres=False) as addresses:
        assert addresses.redis_url


async def test_a_leftover_server_that_does_not_listen_is_stopped_by_force(
    folder: Path, servers_of: ServersOf, start_owner: StartOwner
) -> None:
    with start_owner(folder) as owner:
        await asyncio.to_thread(wait_ready, owner)
        frozen = next(process for process in servers_of(folder) if process.name() == "redis-server")
        frozen.suspend()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    async with embedded_servers(folder, postgres=False):
        assert frozen.pid not in {process.pid for process in servers_of(folder)}
