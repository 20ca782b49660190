"""Approvals in conversation tests, in drawings and in checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from written_tests import bot_from, differences, played, script_of

from flows.checking.repeating import check
from flows.drawing.graph import Shape
from flows.drawing.tracing import trace
from flows.rehearsal.script import ScriptMistake

FLOW = """
from flows import Chat, Flow, operators

pay = Flow("pay", phrases=["pay"])
mine = Flow("mine", phrases=["mine"])
odd = Flow("odd", phrases=["odd"])

async def send(amount): raise RuntimeError("a test must not come here")

@pay
async def script(chat: Chat) -> None:
    yes = await chat.approve("Send 40", send, 40, by=operators("ann"))
    if not yes:
        await chat.end(f"No: {yes.reason}")
    await chat.say(f"Sent: {await chat.call(send, 40, approval=yes)}")

@mine
async def own(chat: Chat) -> None:
    yes = await chat.approve("Send 40", send, 40)
    await chat.say(f"{yes.status}")

@odd
async def change(chat: Chat) -> None:
    await chat.approve(f"It is {chat.now}", send, 40)
"""


async def test_operators_and_the_person_decide_in_a_test(tmp_path: Path) -> None:
    transcript = await played(
        bot_from(tmp_path, FLOW),
        """
        name: decided
        given: {calls: {send: R1}}
        talk:
          - user: pay
          - bot: {contains: Send 40}
          - state: {flow: pay, waiting: approve}
          - operator: {approve: ann}
          - bot: "Sent: R1"
          - calls: [send: [40]]
          - user: pay
          - operator: {reject: ann, because: too much}
          - bot: "No: too much"
          - user: mine
          - choices: [Approve, Reject]
          - press: Reject
          - bot: rejected
          - user: mine
          - later: 10 minutes
          - bot: expired
        """,
    )
    assert differences(transcript) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [("{approve: bob}", "bob may not decide that"), ("{approve: ann}", "nothing waits to be approved")],
)
async def test_a_decision_that_does_not_count_is_a_difference(tmp_path: Path, line: str, told: str) -> None:
    first = "pay" if "bob" in line else "cancel"
    text = f"{{name: x, talk: [user: {first}, operator: {line}]}}"
    transcript = await played(bot_from(tmp_path, FLOW), text)
    assert any(told in each for each in differences(transcript)), differences(transcript)


@pytest.mark.parametrize(
    "line", ["{approve: ann, because: x}", "{approve: ann, reject: ann}", "{because: x}"]
)
def test_a_line_that_says_no_decision_is_refused(line: str) -> None:
    with pytest.raises(ScriptMistake, match="one of resume, close, approve and reject"):
        script_of(f"{{name: x, talk: [user: pay, operator: {line}]}}")


async def test_what_is_shown_otherwise_each_time_is_found(tmp_path: Path) -> None:
    talk = "{name: x, talk: [user: odd, user: hm]}"
    [found] = await check(bot_from(tmp_path, FLOW), script_of(talk))
    assert (found.verb, found.grave) == ("approve", True)
    assert "its arguments differ from run to run" in found.difference


def test_it_is_drawn_as_a_place_to_wait(tmp_path: Path) -> None:
    flow = bot_from(tmp_path, FLOW).registry.newest("pay")
    assert flow is not None
    [node] = [node for node in trace(flow).nodes if node.shape is Shape.ASK]
    assert (node.text, node.place) == ("approve Send 40", "approve")
