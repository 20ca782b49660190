"""`/healthz`, `/readyz` and `/metrics` from outside."""

from __future__ import annotations

import re
import urllib.request

import pytest
from commands import Visitor, ask, servers_of


def metrics(url):
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = answer.read().decode()
    return dict(re.findall(r"^(parley_[^ ]+) (\S+)$", text, re.M)), text


def test_turns_deliveries_and_queues_are_counted_and_nothing_of_a_tenant_shows(shell):
    flows = shell.folder / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "broken.py").write_text(
        "from flows import Chat, Flow\n\n"
        'broken = Flow("broken", description="Fails", phrases=["break"])\n\n\n'
        "@broken\n"
        "async def run(chat: Chat) -> None:\n"
        "    1 / 0\n"
    )
    with shell.with_environment(PARLEY_BOTS_DIR=str(flows.parents[1])).started("run") as run:
        before, _ = metrics(run.url())
        assert before['parley_turns_total{result="done"}'] == "0.0"
        assert before["parley_dead_letters"] == "0.0"
        visitor = Visitor.of(run.url())
        for text in ("one", "two", "break"):
            visitor.say(text)
        run.saw('"result":"failed"')
        seen, text = counted(run.url())
        assert seen['parley_turns_total{result="done"}'] == "2.0"
        assert seen['parley_turns_total{result="failed"}'] == "1.0"
        assert seen["parley_turn_seconds_count"] == "3.0"
        assert seen['parley_deliveries_total{result="sent"}'] == "0.0"
        assert seen['parley_queue_waiting{queue="turns"}'] == "0.0"
        assert seen["parley_postgres_up"] == "1.0"
        labels = set(re.findall(r'(\w+)="', text))
        assert labels <= {"result", "queue", "le", "outcome", "reason"}
        assert "demo" not in text
        run.stop()


def counted(url):
    """The figures, once the dead letter shows: the queues are looked at every other second at most."""
    while True:
        seen, text = metrics(url)
        if seen["parley_dead_letters"] == "1.0":
            return seen, text


def test_readiness_follows_postgres_and_tolerates_redis(shell):
    with shell.started("run") as run:
        assert ask(f"{run.url()}/healthz") == {"status": "ok"}
        assert ask(f"{run.url()}/readyz") == {"postgres": "ok", "redis": "ok"}
        kill(shell, "redis-server")
        while (state := ask(f"{run.url()}/readyz"))["redis"] == "ok":
            pass
        assert state == {"postgres": "ok", "redis": "unavailable"}
        assert Visitor.of(run.url()).say("hello")
        kill(shell, "postgres")
        run.saw('"event":"polling_failed"')
        with pytest.raises(OSError, match="503"):
            ask(f"{run.url()}/readyz")
        assert ask(f"{run.url()}/healthz") == {"status": "ok"}
        assert metrics(run.url())[0]['parley_turns_total{result="done"}'] == "1.0"
        assert run.stop() == 0


def kill(shell, name):
    for server in servers_of(shell.folder):
        if server.name() == name:
            server.kill()
