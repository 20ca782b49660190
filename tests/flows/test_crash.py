"""A turn that dies at any of its checkpoints and is run again says everything once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, TypeAlias

from flow_services import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import Chat, Flow, idempotency_key
from flows.bot import Bot
from storage.approval_records import ApprovalStatus

Program: TypeAlias = list[Any]

leaves = st.sampled_from(["say", "ask", "call", "memo", "gather", "remember", "nap", "event", "approve"])
programs = st.recursive(
    st.lists(leaves, min_size=1, max_size=5),
    lambda inner: st.lists(leaves | inner, min_size=1, max_size=5),
    max_leaves=14,
)


class Rehearsal:
    """A bot whose flow carries out a generated program; nested lists are flows that it enters."""

    def __init__(self, program: Program) -> None:
        self.calls: Counter[str] = Counter()
        self.bot = Bot([self._flow("main", program)])
        self.turns = sum(str(program).count(step) for step in ("ask", "nap", "event", "approve"))

    def _flow(self, name: str, program: Program) -> Flow:
        flow = Flow(name, phrases=[f"start {name}"])
        children = {
            index: self._flow(f"{name}_{index}", step)
            for index, step in enumerate(program)
            if isinstance(step, list)
        }

        @flow
        async def play(chat: Chat) -> str:
            heard: list[Any] = []
            for index, step in enumerate(program):
                match step:
                    case "say":
                        await chat.say(f"{name} says {index} after {heard}")
                    case "ask":
                        heard.append(await chat.ask("thing", f"{name} asks {index}"))
                    case "call":
                        heard.append(await chat.call(self._call, name, index))
                    case "gather":
                        pair = (chat.call(self._call, name, index), chat.call(self._call, name, -index))
                        heard.append(await chat.gather(*pair))
                    case "remember":
                        await chat.remember("count", await chat.flag("count", 0) + 1)
                        heard.append(await chat.flag("count"))
                    case "nap":
                        heard.append(await chat.wait(for_=timedelta(days=1)))
                    case "event":
                        heard.append(await chat.wait(event="paid", timeout=timedelta(days=1)))
                    case "approve":
                        yes = await chat.approve(f"{name} {index}", self._call, name, index)
                        heard.append(await chat.call(self._call, name, index, approval=yes))
                    case "memo":
                        heard.append(await chat.memo("note", lambda: "noted"))
                    case _:
                        heard.append(await chat.enter(children[index]))
            return f"{name}:{len(heard)}"

        return flow

    async def _call(self, name: str, index: int) -> str:
        self.calls[idempotency_key()] += 1
        return f"called {name} {index}"


async def _talk(
    program: Program, kills: dict[int, set[int]], *, before_write: bool
) -> tuple[list[str], Rehearsal]:
    rehearsal = Rehearsal(program)
    talk = Conversation(rehearsal.bot)
    talk.services.kill_before_write = before_write
    for turn in range(rehearsal.turns + 1):
        talk.services.kill_at = set(kills.get(turn, set()))
        _, kind, label, _ = talk.state.data["frames"][-1]["pending"] if turn else ("", "", "", False)
        if kind == "approve":
            await talk.say("approve")
        elif kind != "wait":
            await talk.say("start main" if turn == 0 else f"answer {turn}")
        elif label and turn % 2:
            await talk.happen(label, turn)
        else:
            talk.pass_time(timedelta(days=1))
            await talk.ring()
    assert talk.state.flow is None
    assert talk.state.data == {}
    assert talk.timers == {}
    assert {held.decision.status for held in talk.services.approvals.values()} <= {ApprovalStatus.USED}
    return talk.transcript, rehearsal


@settings(max_examples=150, deadline=None)
@given(
    program=programs,
    kills=st.dictionaries(st.integers(0, 8), st.sets(st.integers(1, 8), max_size=4), max_size=6),
    before_write=st.booleans(),
)
async def test_every_reply_arrives_once_whatever_the_turn_dies_of(
    program: Program, kills: dict[int, set[int]], before_write: bool
) -> None:
    expected, quiet = await _talk(program, {}, before_write=False)
    replies, rehearsal = await _talk(program, kills, before_write=before_write)
    assert replies == expected
    assert len(rehearsal.calls) == len(quiet.calls)
    assert set(quiet.calls.values()) <= {1}


async def test_a_call_with_its_result_on_record_is_not_made_again() -> None:
    _, rehearsal = await _talk(["ask", "call", "say", "call", "say"], {1: {2, 3, 4}}, before_write=False)
    assert sorted(rehearsal.calls.values()) == [1, 1]


async def test_a_call_whose_result_was_lost_is_made_again_with_the_same_key() -> None:
    _, rehearsal = await _talk(["call"], {0: {2}}, before_write=True)
    assert list(rehearsal.calls.values()) == [2]


async def test_a_say_before_a_recorded_call_is_heard_once_after_the_crash() -> None:
    replies, _ = await _talk(["ask", "say", "call", "say"], {1: {1}}, before_write=False)
    assert replies == [
        "main asks 0",
        "main says 1 after ['answer 1']",
        "main says 3 after ['answer 1', 'called main 2']",
    ]


async def test_what_a_child_said_before_the_crash_is_heard_although_it_had_returned() -> None:
    replies, _ = await _talk([["ask", "say"], "call"], {1: {1, 2}}, before_write=False)
    assert replies == ["main_0 asks 0", "main_0 says 1 after ['answer 1']"]
