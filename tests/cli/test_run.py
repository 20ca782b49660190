"""`parley run` from its start to its end, also a violent one."""

from __future__ import annotations

import signal
import socket
import time

import pytest
from commands import Visitor, servers_of

READY = r"Parley is ready: open http://localhost:\d+/"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_that_was_started_within_seconds(shell, number):
    with shell.started("run") as run:
        run.saw(READY)
        assert servers_of(shell.folder)
        before = time.monotonic()
        assert run.stop(number) == 0
        assert time.monotonic() - before < 8
        assert "Traceback" not in run.err
    assert servers_of(shell.folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_the_first_start_leaves_nothing_behind(shell, number):
    with shell.started("run") as run:
        while not (shell.data_dir / "lock").exists():
            assert run._process.poll() is None
        assert run.stop(number) == 1
        assert run.err == "parley: stopped before it was done"
    assert servers_of(shell.folder) == []
    assert shell.run("tenant", "list").code == 0


def test_yesterdays_conversation_is_there_after_kill_9(shell):
    with shell.started("run") as run:
        visitor = Visitor.of(run.url())
        assert visitor.say("what is my balance") == "Which account?"
        before = visitor.history()
        run.send(signal.SIGKILL)
        run.wait()
    assert servers_of(shell.folder), "kill -9 leaves the servers to the next start"
    with shell.started("run") as run:
        visitor.url = run.url()
        assert visitor.history() == before
        visitor.say("cancel")
        assert len(visitor.history()) > len(before)
        assert run.stop() == 0
    assert servers_of(shell.folder) == []


def test_the_second_start_takes_less_than_five_seconds(shell):
    with shell.started("run") as run:
        run.saw(READY)
        run.stop()
    before = time.monotonic()
    with shell.started("run") as run:
        run.saw(READY)
        assert time.monotonic() - before < 5
        run.stop()


def test_a_second_run_in_the_same_folder_names_the_first(shell):
    with shell.started("run") as run:
        run.saw(READY)
        second = shell.run("run")
        assert second.code == 1
        assert f"already running in {shell.data_dir}, pid {run.pid}: stop that one" in second.said
        assert Visitor.of(run.url()).say("hello")


def test_a_port_in_use_is_named_and_nothing_is_left_running(shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shell.with_environment(PORT=str(port)).run("run")
    assert done.code == 1
    assert f"cannot listen on 127.0.0.1 port {port} (Address already in use)" in done.said
    assert "set PORT to another" in done.said
    assert servers_of(shell.folder) == []


def test_commands_work_beside_a_run_and_without_one(shell):
    assert "No tenant yet" in shell.run("tenant", "list").out
    with shell.started("run") as run:
        run.saw(READY)
        assert [tenant["slug"] for tenant in shell.run("tenant", "list", "--json").json] == ["demo"]
        assert shell.run("tenant", "create", "acme", "--name", "Acme Ltd.").code == 0
        assert shell.run("doctor").code == 0
        assert run.stop() == 0
    assert [tenant["slug"] for tenant in shell.run("tenant", "list", "--json").json] == ["acme", "demo"]
    assert servers_of(shell.folder) == []


def test_two_commands_at_once_in_one_folder_both_work(shell):
    with shell.started("tenant", "create", "one") as one, shell.started("tenant", "create", "two") as two:
        assert (one.wait(), two.wait()) == (0, 0), (one.err, two.err)
    assert [tenant["slug"] for tenant in shell.run("tenant", "list", "--json").json] == ["one", "two"]


def test_a_disabled_site_is_closed_and_an_enabled_one_open_again(shell):
    shell.run("tenant", "create", "acme")
    assert shell.run("channel", "add", "web", "shop", "--tenant", "acme").code == 0
    assert shell.run("channel", "disable", "web", "shop", "--tenant", "acme").code == 0
    with shell.started("run") as run, pytest.raises(OSError, match="404"):
        Visitor.of(run.url(), "shop")
    assert shell.run("channel", "enable", "web", "shop", "--tenant", "acme").code == 0
    with shell.started("run") as run:
        assert Visitor.of(run.url(), "shop").say("hello")


def test_sigterm_lets_the_turn_under_way_end(shell):
    folder = shell.folder / "bots" / "demo" / "flows"
    folder.mkdir(parents=True)
    (folder / "slow.py").write_text(
        "import asyncio\n"
        "from flows import Chat, Flow\n\n"
        'slow = Flow("slow", description="Takes its time", phrases=["slow"])\n\n\n'
        "async def wait() -> str:\n"
        '    print("waiting", flush=True)\n'
        "    await asyncio.sleep(2)\n"
        '    return "done"\n\n\n'
        "@slow\n"
        "async def run(chat: Chat) -> None:\n"
        "    await chat.say(await chat.call(wait))\n"
    )
    own = shell.with_environment(PARLEY_BOTS_DIR=str(folder.parents[1]))
    with own.started("run") as run:
        visitor = Visitor.of(run.url())
        visitor.send("slow")
        run.saw("^waiting$")
        assert run.stop() == 0
        assert '"result":"done"' in run.err
    with own.started("run") as run:
        visitor.url = run.url()
        assert visitor.history() == ["slow", "done"]
