"""A stream is complete, in order and without repeats, whatever happens to the live events."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest
from rehearsal import DEMO, Rehearsal, Talk

from adapters.web import stream as stream_module
from adapters.web.cursor import Position, read_cursor, write_cursor
from adapters.web.ports import Delta, Typing
from adapters.web.stream import Stream, unfold
from storage.records import MessageStatus, Sender

ADA = "visitor:ada"


def the_stream(rehearsal: Rehearsal) -> Stream:
    return Stream(rehearsal, DEMO, ADA, str)


async def read(frames: Any) -> list[dict[str, Any]]:
    return [orjson.loads(frame) async for frame in frames]


def shown(frames: list[dict[str, Any]]) -> list[str]:
    return [frame.get("content") or frame.get("status") or frame["type"] for frame in frames]


def start_of(talk: Talk) -> str:
    return write_cursor(Position(talk.id, 0))


async def test_without_a_cursor_the_stream_begins_now() -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    rehearsal.say(talk, "before")
    stream = the_stream(rehearsal)
    assert await read(stream.start(None)) == []
    event = rehearsal.say(talk, "after")
    assert shown(await read(stream.take(event))) == ["after"]


async def test_a_visitor_without_a_past_misses_nothing_of_the_first_session() -> None:
    rehearsal = Rehearsal()
    stream = the_stream(rehearsal)
    await read(stream.start(None))
    talk = rehearsal.talk_of(ADA)
    rehearsal.say(talk, "lost on the way")
    event = rehearsal.say(talk, "arrived")
    assert shown(await read(stream.take(event))) == ["lost on the way", "arrived"]


async def test_a_gap_is_read_again_and_repeats_are_dropped() -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    events = [rehearsal.say(talk, str(n)) for n in range(5)]
    stream = the_stream(rehearsal)
    await read(stream.start(start_of(talk)))
    later = [rehearsal.say(talk, str(n)) for n in range(5, 9)]
    assert shown(await read(stream.take(later[2]))) == ["5", "6", "7", "8"]
    for event in (*events, *later):
        assert await read(stream.take(event)) == []


async def test_a_later_change_is_a_status_to_who_knows_the_message() -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    mine = rehearsal.say(talk, "mine", sender=Sender.USER, status=MessageStatus.PENDING)
    stream = the_stream(rehearsal)
    await read(stream.start(start_of(talk)))
    changed = rehearsal.alter(talk, mine.id, MessageStatus.COMPLETED)
    (frame,) = await read(stream.take(changed))
    assert {"type": "status", "message_id": str(mine.id), "status": "completed"}.items() <= frame.items()
    assert read_cursor(frame["cursor"]) == Position(talk.id, 2)


async def test_a_message_altered_while_away_still_comes_as_a_message_and_first() -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    mine = rehearsal.say(talk, "mine", sender=Sender.USER, status=MessageStatus.PENDING)
    rehearsal.say(talk, "answer")
    rehearsal.alter(talk, mine.id, MessageStatus.COMPLETED)
    frames = await read(the_stream(rehearsal).start(start_of(talk)))
    assert [(frame["type"], frame["message_id"]) for frame in frames][::2] == [
        ("message", str(mine.id)),
        ("status", str(mine.id)),
    ]
    assert shown(frames) == ["mine", "answer", "completed"]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 200])
async def test_resuming_anywhere_with_any_page_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(stream_module, "PAGE", page)
    chance = random.Random(page)
    rehearsal = Rehearsal()
    said: list[str] = []
    for _ in range(3):
        talk = rehearsal.talk_of(ADA)
        for _ in range(20):
            message = rehearsal.say(talk, f"{len(said)}")
            said.append(message.content)
            if chance.random() < 0.6:
                rehearsal.alter(talk, chance.choice(list(talk.messages)), MessageStatus.COMPLETED)
        talk.closed = True
    everything = await read(the_stream(rehearsal).start(start_of(rehearsal.talks[0])))
    assert [frame["content"] for frame in everything if frame["type"] == "message"] == said
    for at in range(len(everything)):
        rest = await read(the_stream(rehearsal).start(everything[at]["cursor"]))
        seen = everything[: at + 1] + rest
        assert [frame["content"] for frame in seen if frame["type"] == "message"] == said


async def test_any_loss_of_live_events_is_healed_by_the_next_one() -> None:
    chance = random.Random(7)
    rehearsal = Rehearsal()
    stream = the_stream(rehearsal)
    await read(stream.start(None))
    said: list[str] = []
    frames: list[dict[str, Any]] = []
    for n in range(300):
        talk = rehearsal.talk_of(ADA)
        event = rehearsal.say(talk, str(n))
        said.append(event.content)
        if chance.random() < 0.5 or n == 299:
            frames += await read(stream.take(event))
        if chance.random() < 0.2 and frames and n < 299:
            frames += await read(stream.take(event))
        if chance.random() < 0.05:
            talk.closed = True
    assert [frame["content"] for frame in frames] == said


@pytest.mark.parametrize("cursor", ["", "nonsense", "A" * 32, write_cursor(Position(DEMO.id, 3))])
async def test_an_unknown_cursor_asks_for_a_resync_and_the_stream_goes_on(cursor: str) -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    rehearsal.say(talk, "before")
    stream = the_stream(rehearsal)
    assert await read(stream.start(cursor)) == [{"type": "resync"}]
    assert shown(await read(stream.take(rehearsal.say(talk, "after")))) == ["after"]


async def test_the_cursor_of_another_visitor_is_unknown() -> None:
    rehearsal = Rehearsal()
    other = rehearsal.talk_of("visitor:eve")
    rehearsal.say(other, "hers")
    assert await read(the_stream(rehearsal).start(start_of(other))) == [{"type": "resync"}]


async def test_passing_events_pass() -> None:
    rehearsal = Rehearsal()
    stream = the_stream(rehearsal)
    assert await read(stream.take(Typing())) == [{"type": "typing"}]
    assert (await read(stream.take(Delta(DEMO.id, 1, 0, "x"))))[0]["text"] == "x"


async def test_an_answer_is_due_until_the_bot_speaks() -> None:
    rehearsal = Rehearsal()
    talk = rehearsal.talk_of(ADA)
    stream = the_stream(rehearsal)
    await read(stream.start(None))
    stream.answer_due = True
    await read(stream.take(rehearsal.say(talk, "mine", sender=Sender.USER)))
    assert stream.answer_due
    await read(stream.take(rehearsal.say(talk, "yours")))
    assert not stream.answer_due


def test_unfolding_nothing_is_nothing() -> None:
    assert list(unfold([], None, complete=True)) == []
