"""`parley approvals`, beside a running process."""

from __future__ import annotations

from uuid import uuid4

import pytest
from commands import Visitor

FLOW = """
from flows import Chat, Flow, not_the_asker, operators

pay = Flow("pay", phrases=["pay"])
board = Flow("board", phrases=["board"])


async def send(amount):
    return "R1"


@pay
async def script(chat: Chat) -> None:
    yes = await chat.approve("Send 40 euros\\nto Ada", send, 40, by=not_the_asker)
    await chat.say(f"Sent: {await chat.call(send, 40, approval=yes)}" if yes else f"Not sent: {yes.reason}")


@board
async def ask_board(chat: Chat) -> None:
    await chat.approve("Send it", send, 40, by=operators("ann"))
"""


@pytest.fixture
def paying(shell):
    """A shell whose demo tenant has the flow above."""
    flows = shell.folder / "bots" / "demo" / "flows"
    flows.mkdir(parents=True)
    (flows / "paying.py").write_text(FLOW)
    return shell.with_environment(PARLEY_BOTS_DIR=str(shell.folder / "bots"))


def wait_for(visitor: Visitor, text: str) -> None:
    """Until the visitor has read a text; the pause is the network's."""
    for _ in range(600):
        if text in visitor.history():
            return
    raise AssertionError(f"{text!r} did not come: {visitor.history()}")


def test_what_waits_is_listed_shown_and_decided_once(paying):
    with paying.started("run") as run:
        visitor = Visitor.of(run.url())
        assert visitor.say("pay").startswith("Send 40 euros\nto Ada")
        [row] = paying.run("approvals", "list", "--json").json
        assert (row["action"], row["status"], row["by"]) == ("paying.send", "pending", "any operator")
        approval = row["approval"]
        shown = paying.run("approvals", "show", approval)
        assert "\n  Send 40 euros\n  to Ada\n" in shown.out
        seen = paying.run("approvals", "show", approval, "--json").json
        assert seen["shown"] == "Send 40 euros\nto Ada"

        wrong = paying.run("approvals", "decide", approval, "--approve", "--hash", "0" * 64)
        assert (wrong.code, "that is not the hash of what was shown" in wrong.said) == (1, True)
        done = paying.run(
            "approvals", "decide", approval, "--reject", "--reason", "no", "--hash", seen["hash"]
        )
        assert (done.code, done.out) == (0, f"approval: {approval}\noutcome: accepted\n")
        wait_for(visitor, "Not sent: no")

        again = paying.run("approvals", "decide", approval, "--approve")
        assert (again.code, "somebody else has decided it" in again.said) == (1, True)
        assert paying.run("approvals", "list").out == "Nothing waits for a yes.\n"
        [row] = paying.run("approvals", "list", "--all", "--json").json
        assert row["status"] == "rejected"

        assert visitor.say("board").startswith("Send it")
        [row] = paying.run("approvals", "list", "--json").json
        refused = paying.run("approvals", "decide", row["approval"], "--approve")
        assert (refused.code, "you may not decide it" in refused.said) == (1, True)
        unknown = paying.run("approvals", "decide", str(uuid4()), "--approve")
        assert (unknown.code, "there is no approval" in unknown.said) == (1, True)
