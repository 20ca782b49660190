"""web, worker and clock apart, several of each, on servers by URL."""

from __future__ import annotations

import asyncio
import signal
import urllib.request
from contextlib import ExitStack

import pytest
from aiohttp import ClientSession, WSMsgType
from commands import Visitor, ask


@pytest.fixture
def served(deployed):
    """The shell of a deployment with the demo tenant, and a stack for its processes."""
    assert deployed.run("tenant", "create", "demo").code == 0
    for platform, account in (("web", "demo"), ("terminal", "demo-console")):
        assert deployed.run("channel", "add", platform, account, "--tenant", "demo").code == 0
    with ExitStack() as stack:
        yield deployed, stack


def start(shell, stack, command, pattern):
    running = stack.enter_context(shell.started(command))
    running.saw(pattern)
    return running


def fleet(shell, stack):
    webs = [start(shell, stack, "web", '"event":"serving"') for _ in range(2)]
    workers = [start(shell, stack, "worker", '"event":"working"') for _ in range(2)]
    return webs, workers


async def frames_until(socket, kinds):
    """The frames of a socket up to the last of the wanted kinds."""
    left, frames = list(kinds), []
    async with asyncio.timeout(30):
        while left:
            message = await socket.receive()
            assert message.type is WSMsgType.TEXT, message
            frame = message.json()
            frames.append(frame)
            kind = frame["type"] if frame["type"] != "message" else frame["sender_type"]
            if kind in left:
                left.remove(kind)
    return frames


async def test_what_one_web_accepts_the_other_shows_live(served):
    shell, stack = served
    (here, there), _ = await asyncio.to_thread(fleet, shell, stack)
    visitor = await asyncio.to_thread(Visitor.of, here.url())
    ticket = (await asyncio.to_thread(ask, f"{there.url()}/web/v1/tickets", {}, visitor.token))["ticket"]
    async with ClientSession() as http, http.ws_connect(f"{there.url()}/web/v1/ws?ticket={ticket}") as socket:
        reply_id = await asyncio.to_thread(visitor.send, "balance")
        frames = await frames_until(socket, ["user", "bot"])
    answer = next(frame for frame in frames if frame.get("sender_type") == "bot")
    assert answer["message_id"] == reply_id
    assert answer["content"]["text"] == "Which account?"
    # Polled from either web it is the same.
    visitor.url = there.url()
    assert (await asyncio.to_thread(visitor.history))[-1] == "Which account?"


def test_a_killed_worker_and_a_killed_web_lose_nothing(served):
    shell, stack = served
    webs, workers = fleet(shell, stack)
    visitor = Visitor.of(webs[0].url())
    assert visitor.say("balance") == "Which account?"
    workers[0].send(signal.SIGKILL)
    webs[0].send(signal.SIGKILL)
    visitor.url = webs[1].url()
    visitor.say("Savings")
    code = workers[1].saw(r"Your code is (\d{6})")[1]
    assert "18,300.00" in visitor.say(code)
    assert [running.stop() for running in (webs[1], workers[1])] == [0, 0]


def test_a_clock_beside_them_serves_its_health_where_asked(served):
    shell, stack = served
    clock = stack.enter_context(shell.started("clock", "--host", "127.0.0.1", "--monitor-port", "0"))
    port = clock.saw('"port":(\\d+),"event":"monitoring"')[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
        assert answer.status == 200
    assert clock.stop() == 0


def test_migrate_leaves_a_database_in_use_alone(served):
    shell, stack = served
    web = start(shell, stack, "web", '"event":"serving"')
    start(shell, stack, "worker", '"event":"working"')
    assert shell.run("migrate", "--json").json["applied"] == []
    assert Visitor.of(web.url()).say("balance") == "Which account?"
