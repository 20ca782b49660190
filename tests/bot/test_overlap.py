"""What a message waits for that may be answered with the next one, and what ends a turn early."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from flow_services import Conversation

from bot.overtaking import Overtaking
from bot.together import put_together
from flows import Chat, Flow
from flows.bot import Bot
from flows.errors import FlowMistake
from flows.overlap import MOST_JOINED
from storage.outcomes import Outcome
from storage.records import Entry, EntryKind, State, Turn
from storage.turns import TurnStore


class Lane:
    """A lane in which entries come, each when it is first looked for."""

    def __init__(self, *following: Entry | None) -> None:
        self.entries = list(following)
        self.looked = 0

    async def following(self, turn: Turn) -> Entry | None:
        self.looked += 1
        return self.entries.pop(0) if self.entries else None


def form(quiet: timedelta = timedelta(0), overlap: Any = "debounce") -> Flow:
    flow = Flow("form", phrases=["go"], overlap=overlap, quiet=quiet)

    @flow
    async def script(chat: Chat) -> None:
        text = await chat.ask("text", "What?")
        await chat.say(f"got {text}")

    return flow


async def talking(flow: Flow) -> Conversation:
    talk = Conversation(Bot([flow]))
    await talk.say("go")
    return talk


async def together(
    talk: Conversation, turn: Turn, *following: Entry | None
) -> tuple[Turn, Outcome | None, int]:
    lane = Lane(*following)
    whole, outcome = await put_together(cast("TurnStore", lane), talk.bot, turn, talk.services)
    return whole, outcome, lane.looked


def turn_of(talk: Conversation, text: str, **more: Any) -> Turn:
    return Turn(talk.session, 1, replace(talk.entry(text), **more), talk.state, 0)


async def test_a_message_is_held_for_the_next_one_with_the_state_as_it_was() -> None:
    talk = await talking(form())
    before = talk.state
    _, outcome, _ = await together(talk, turn_of(talk, "one"), talk.entry("two"))
    assert outcome is not None
    assert outcome.state is not None
    assert (outcome.replies, outcome.reason, outcome.redact_input) == ((), "joined", False)
    assert outcome.state.data["frames"] == before.data["frames"]
    assert (outcome.state.flow, outcome.state.state_name) == (before.flow, before.state_name)
    assert outcome.parked_for == timedelta(days=7)
    talk.commit(outcome)
    whole, outcome, _ = await together(talk, turn_of(talk, "two"))
    assert outcome is None
    assert whole.entry.content == "one\ntwo"
    assert [said.text for said in await talk.send(whole.entry)] == ["got one\ntwo"]
    assert talk.state.data == {}


async def test_a_message_that_nothing_follows_is_looked_after_once_more_when_it_is_quiet() -> None:
    talk = await talking(form(timedelta(milliseconds=20)))
    _, outcome, looked = await together(talk, turn_of(talk, "one"), None, talk.entry("two"))
    assert outcome is not None
    assert looked == 2


async def test_stop_ends_the_waiting() -> None:
    talk = await talking(form(timedelta(hours=1)))
    talk.services.stopped.set()
    async with asyncio.timeout(5):
        _, outcome, _ = await together(talk, turn_of(talk, "one"))
    assert outcome is None


async def test_a_message_that_waited_in_the_lane_does_not_wait_again() -> None:
    talk = await talking(form(timedelta(hours=1)))
    turn = turn_of(talk, "one")
    talk.pass_time(timedelta(hours=2))
    async with asyncio.timeout(5):
        assert (await together(talk, turn))[1] is None


@pytest.mark.parametrize("text", ["cancel", "go", "", "  "])
async def test_what_means_something_by_itself_is_neither_held_nor_joined(text: str) -> None:
    talk = await talking(form())
    _, outcome, looked = await together(talk, turn_of(talk, text), talk.entry("two"))
    assert (outcome, looked) == (None, 0)
    _, outcome, _ = await together(talk, turn_of(talk, "one"), talk.entry(text))
    assert outcome is None


@pytest.mark.parametrize(
    "more",
    [{"kind": EntryKind.TIMER}, {"kind": EntryKind.ACTION}, {"payload": "text:x"}, {"damage": "sealed"}],
)
async def test_only_plain_messages_are_held(more: dict[str, Any]) -> None:
    talk = await talking(form())
    _, outcome, looked = await together(talk, turn_of(talk, "one", **more), talk.entry("two"))
    assert (outcome, looked) == (None, 0)


async def test_a_turn_that_was_begun_before_goes_on_by_itself() -> None:
    talk = await talking(form())
    turn = turn_of(talk, "one")
    begun = replace(turn, state=replace(turn.state, checkpoint={"entry": "x"}))
    assert (await together(talk, begun, talk.entry("two")))[1:] == (None, 0)


async def test_a_flow_that_queues_joins_nothing() -> None:
    talk = await talking(form(overlap="queue"))
    assert (await together(talk, turn_of(talk, "one"), talk.entry("two")))[1:] == (None, 0)


async def test_a_state_that_cannot_be_read_holds_nothing() -> None:
    talk = await talking(form())
    talk.state = replace(talk.state, damage="torn")
    assert (await together(talk, turn_of(talk, "one"), talk.entry("two")))[1] is None


async def test_there_is_an_end_to_joining() -> None:
    talk = await talking(form())
    for n in range(MOST_JOINED - 1):
        _, outcome, _ = await together(talk, turn_of(talk, f"{n}"), talk.entry("more"))
        assert outcome is not None
        talk.commit(outcome)
    whole, outcome, looked = await together(talk, turn_of(talk, "last"), talk.entry("more"))
    assert (outcome, looked) == (None, 0)
    assert len(whole.entry.content.splitlines()) == MOST_JOINED


async def test_with_nothing_under_way_the_flow_that_would_start_decides() -> None:
    flow = form()
    talk = Conversation(Bot([flow], default_flow="form"))
    assert talk.state == State()
    _, outcome, _ = await together(talk, turn_of(talk, "hello"), talk.entry("two"))
    assert outcome is not None
    assert outcome.parked_for is None
    _, outcome, looked = await together(talk, turn_of(talk, "go"), talk.entry("two"))
    assert (outcome, looked) == (None, 0)


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        ("queue newer", False),
        ("newer queue", False),
        ("debounce newer", False),
        ("interrupt queue newer", False),
        ("interrupt newer", True),
        ("newer interrupt", True),
        ("queue newer interrupt", True),
    ],
)
def test_only_a_flow_that_is_interrupted_ends_for_a_newer_message(steps: str, ends: bool) -> None:
    overtaking = Overtaking()
    for step in steps.split():
        if step == "newer":
            overtaking.newer()
        else:
            overtaking.works_on(step)
    assert overtaking.stopped.is_set() is ends


def test_an_overlap_that_there_is_not_is_refused() -> None:
    with pytest.raises(FlowMistake, match='"queue", "debounce" or "interrupt"'):
        Flow("x", overlap=cast("Any", "shout"))
