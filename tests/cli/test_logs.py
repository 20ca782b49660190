"""What an operator reads: a line for each turn and delivery, and nothing of what people wrote."""

from __future__ import annotations

import json
import re

import pytest
from commands import Visitor, ask, servers_of

FLOWS = """
from flows import Chat, Flow

leaky = Flow("leaky", description="Fails with what was said", phrases=["break"])


def refuse(text: str) -> None:
    raise ValueError(f"cannot take {text}")


@leaky
async def run(chat: Chat) -> None:
    said = await chat.ask("said", "Say something.")
    refuse(said)
"""


def test_turns_and_deliveries_are_logged_and_what_people_wrote_is_not(shell):
    flows = shell.folder / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "leaky.py").write_text(FLOWS)
    (flows / "vault.py").write_text(
        "from flows import Chat, Flow\n\n"
        'vault = Flow("vault", description="Asks for a code", phrases=["open"])\n\n\n'
        "@vault\n"
        "async def run(chat: Chat) -> None:\n"
        "    await chat.verify_otp()\n"
        '    await chat.say("canary-said-by-bot")\n'
    )
    (flows.parent / "bot.toml").write_text('[otp]\nplatform = "terminal"\naddress = "user"\n')
    with shell.with_environment(PARLEY_BOTS_DIR=str(flows.parents[1])).started("run") as run:
        visitor = Visitor.of(run.url())
        visitor.say("canary-4917-1234567")
        visitor.say("break")
        visitor.say("canary-in-an-exception")
        visitor.say("open")
        code = run.saw(r"\[console\].*code is (\d{6})")[1]
        visitor.say("000000")
        assert visitor.say(code) == "canary-said-by-bot"
        assert run.stop() == 0
    console = [line for line in run.err.splitlines() if line.startswith("[console]")]
    lines = [line for line in run.err.splitlines() if not line.startswith("[console]")]
    events = [json.loads(line) for line in lines]
    turns = [event for event in events if event["event"] == "turn"]
    assert [turn["result"] for turn in turns] == ["done", "done", "failed", "done", "done", "done"]
    assert {"tenant", "session", "entry", "attempt", "ms", "level", "timestamp"} <= turns[0].keys()
    assert [event["result"] for event in events if event["event"] == "delivery"] == ["sent"] * len(console)
    [failure] = [event for event in events if event["event"] == "flow_failed"]
    assert "leaky.py" in failure["exception"]
    assert failure["exception"].endswith("ValueError")
    logged = "\n".join(lines)
    assert "canary" not in logged
    assert code not in logged
    assert visitor.token not in logged
    assert not re.search("Bearer|secret|password", logged, re.I)


def test_while_postgres_is_away_it_is_said_quietly(shell):
    with shell.started("run") as run:
        visitor = Visitor.of(run.url())
        visitor.say("hello")
        for server in servers_of(shell.folder):
            if server.name() == "postgres":
                server.kill()
        run.saw('"event":"polling_failed"')
        for _ in range(3):
            with pytest.raises(OSError, match="503"):
                ask(f"{run.url()}/readyz")
            with pytest.raises(OSError, match="503"):
                visitor.send("anybody?")
        assert run.stop() == 0
    assert "Traceback" not in run.err
    assert '"exception"' not in run.err
    assert sum("the pool cannot reach Postgres" in line for line in run.err.splitlines()) <= 1
    assert len(run.err.splitlines()) < 20, run.err
