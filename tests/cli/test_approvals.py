"""`parley approvals`, beside a running process."""

from __future__ import annotations

import signal
import subprocess
from uuid import uuid4

import pytest
from commands import Visitor
from terminals import Terminal

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

        session = paying.run("approvals", "list", "--all", "--json").json[0]["session"]
        shown = paying.run("sessions", "show", session)
        assert "\napproval rejected by operator:console at " in shown.out
        assert ": Send 40 euros to Ada (no)\n" in shown.out
        [told] = paying.run("sessions", "show", session, "--json").json["approvals"]
        assert (told["approval_id"], told["status"], told["reason"]) == (approval, "rejected", "no")

        again = paying.run("approvals", "decide", approval, "--approve", "--yes")
        assert (again.code, "somebody else has decided it" in again.said) == (1, True)
        assert paying.run("approvals", "list").out == "Nothing waits for a yes.\n"
        [row] = paying.run("approvals", "list", "--all", "--json").json
        assert row["status"] == "rejected"

        assert visitor.say("board").startswith("Send it")
        [row] = paying.run("approvals", "list", "--json").json
        refused = paying.run("approvals", "decide", row["approval"], "--approve", "--yes")
        assert (refused.code, "you may not decide it" in refused.said) == (1, True)
        unknown = paying.run("approvals", "decide", str(uuid4()), "--approve", "--yes")
        assert (unknown.code, "there is no approval" in unknown.said) == (1, True)


def ended(terminal, end) -> int:
    """The exit code. A signal between the prompt and the reading behind it is not heard: one does it again."""
    for _ in range(6):
        end(terminal)
        try:
            return terminal.process.wait(5)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(terminal.shown)


def answered(shell, approval: str, *options: str, end) -> tuple[int, str]:
    """How a decision at a terminal ended, and what was printed once it was answered."""
    terminal = Terminal(shell, "approvals", "decide", approval, *options)
    try:
        terminal.saw("Send 40 euros\r\n  to Ada")
        terminal.saw("this? [y/N]: ")
        terminal.shown = ""
        code = ended(terminal, end)
        terminal.saw("nothing was decided" if code else "outcome")
        return code, terminal.shown
    finally:
        terminal.close()


def test_at_a_terminal_it_is_asked_before_it_is_decided(paying):
    with paying.started("run") as run:
        visitor = Visitor.of(run.url())
        visitor.say("pay")
        [row] = paying.run("approvals", "list", "--json").json
        for end in (
            lambda terminal: terminal.type("n\n"),
            lambda terminal: terminal.type("\n"),
            lambda terminal: terminal.type("\x04"),
            lambda terminal: terminal.process.send_signal(signal.SIGINT),
        ):
            code, said = answered(paying, row["approval"], "--approve", end=end)
            assert (code, "Traceback" in said) == (1, False), said
        assert paying.run("approvals", "list", "--json").json == [row]
        code, said = answered(paying, row["approval"], "--approve", end=lambda terminal: terminal.type("y\n"))
        assert (code, "outcome: accepted" in said) == (0, True)
        wait_for(visitor, "Sent: R1")


def test_without_a_terminal_one_has_to_say_that_one_means_it(paying):
    with paying.started("run") as run:
        visitor = Visitor.of(run.url())
        visitor.say("pay")
        [row] = paying.run("approvals", "list", "--json").json
        refused = paying.run("approvals", "decide", row["approval"], "--approve", stdin=b"y\n")
        assert (refused.code, "give --hash, or --yes to decide unseen" in refused.said) == (2, True)
        assert paying.run("approvals", "list", "--json").json == [row]
        done = paying.run("approvals", "decide", row["approval"], "--approve", "--yes", "--json")
        assert done.json == {"approval": row["approval"], "outcome": "accepted"}
        assert done.err == "  Send 40 euros\n  to Ada\n"
        wait_for(visitor, "Sent: R1")
