"""One session, one order: whoever works on it, however often a message comes, whatever else is stuck."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from itertools import cycle
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from fleet import Fleet, until
from outside import Outside
from people import Visitor

WORKERS = ("north", "east", "south", "west")


async def enter_many(http: ClientSession, url: str, count: int) -> list[Visitor]:
    return list(await asyncio.gather(*(Visitor.enter(http, url) for _ in range(count))))


async def nothing_is_queued(owner: asyncpg.Connection[Any], within_s: float = 90.0) -> None:
    async def done() -> bool:
        return not await owner.fetchval("select exists (select from inbox)")

    await until(done, "all turns to be over", within_s)


async def test_a_hundred_sessions_with_fifty_messages_at_once_on_four_workers_keep_their_order(
    fleet: Fleet, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    """`count` numbers the answers that it hears, so a turn lost, doubled or run beside another shows."""
    workers = await fleet.start_all(*WORKERS, alone=False, lease_s=10.0)
    people = await enter_many(http, workers[0].url, 100)
    await asyncio.gather(*(person.say("count") for person in people))

    async def send(person: Visitor, n: int, url: str) -> None:
        await Visitor(http, url, person.token).send(f"word {n}", f"{n}")

    urls = cycle(worker.url for worker in workers)
    await asyncio.gather(*(send(person, n, next(urls)) for n in range(50) for person in people))
    await nothing_is_queued(owner)

    rows = await owner.fetch(
        "select m.session_id, q.seq as asked, q.content as word, m.content as answer from messages m"
        " join messages q on q.id = m.in_reply_to where m.sender_type = 'bot' order by m.session_id, m.seq"
    )
    sessions = defaultdict(list)
    for row in rows:
        sessions[row["session_id"]].append(row)
    assert len(sessions) == 100
    for turns in sessions.values():
        asked = [turn["asked"] for turn in turns]
        assert asked == sorted(asked)
        assert sorted(turn["word"] for turn in turns) == sorted(["count", *(f"word {n}" for n in range(50))])
        # The first answer follows the word that started the flow; each names the word that it heard.
        heard = ["nothing", *(turn["word"] for turn in turns[1:])]
        assert [turn["answer"] for turn in turns] == [f"{n}: {word}" for n, word in enumerate(heard)]
    worked = [sum(event.get("event") == "turn" for event in worker.events) for worker in workers]
    assert all(worked), f"one of the workers had nothing to do: {worked}"


async def test_sessions_that_are_stuck_do_not_hold_up_the_others(
    fleet: Fleet, outside: Outside, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    one = await fleet.start()
    stuck, *others = await enter_many(http, one.url, 21)
    hold = outside.hold("call:ring")
    await stuck.send("visit", "visit")
    await hold.reached()
    for n in range(30):
        await stuck.send(f"meanwhile {n}")

    async def talk(person: Visitor) -> None:
        for n in range(10):
            assert await person.say(f"word {n}") == [f"You said word {n}"]

    await asyncio.gather(*(talk(person) for person in others))
    queued = await owner.fetch("select distinct session_id from inbox")
    assert await owner.fetchval("select count(*) from inbox") == 31
    assert len(queued) == 1

    hold.let_go()
    await nothing_is_queued(owner)
    said = [text for sender, text in await stuck.transcript() if sender == "bot"]
    assert said == ["Rang: ring-1", *(f"You said meanwhile {n}" for n in range(30))]


ROWS = """
select 'sessions', id::text, xmin::text from sessions
union all select 'messages', id::text, xmin::text from messages
union all select 'conversation_state', session_id::text, xmin::text from conversation_state
union all select 'inbox', id::text, xmin::text from inbox
union all select 'outbox', id::text, xmin::text from outbox
order by 1, 2
"""


async def rows_as_written(owner: asyncpg.Connection[Any]) -> list[tuple[str, str, str]]:
    """Every row of a turn with the transaction that wrote it last."""
    return [tuple(row) for row in await owner.fetch(ROWS)]


async def test_a_worker_that_slept_for_two_leases_commits_nothing_after_its_rescue(
    fleet: Fleet, outside: Outside, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    sleeper = await fleet.start("sleeper", points=["committing"], alone=False)
    visitor = await Visitor.enter(http, sleeper.url)
    hold = outside.hold("committing")
    reply = await visitor.send("visit")
    await hold.reached()
    sleeper.freeze()
    asleep_since = await owner.fetchval("select clock_timestamp()")

    rescuer = await fleet.start("rescuer", alone=False)
    visitor.url = rescuer.url
    assert await visitor.answer(reply) == ["Rang: ring-1"]
    await owner.execute("select pg_sleep_until($1::timestamptz + 2 * interval '1 second')", asleep_since)
    # The call was on record: the rescuer did not make it again.
    assert len(outside.keys("ring")) == 1
    written = await rows_as_written(owner)

    hold.let_go()
    sleeper.thaw()
    await turn_logged(sleeper)
    assert await rows_as_written(owner) == written
    assert await visitor.transcript() == [("user", "visit"), ("bot", "Rang: ring-1")]


@pytest.mark.parametrize("rescued", [True, False], ids=["rescued", "being rescued"])
async def test_the_commit_of_a_worker_that_lost_its_lease_touches_no_row(
    fleet: Fleet,
    outside: Outside,
    owner: asyncpg.Connection[Any],
    http: ClientSession,
    rescued: bool,
) -> None:
    """The sleeper's next renewal is far away, so that nothing but the fence can stop its commit."""
    sleeper = await fleet.start("sleeper", points=["committing"], alone=False, lease_s=120.0)
    visitor = await Visitor.enter(http, sleeper.url)
    asleep = outside.hold("committing", "sleeper")
    reply = await visitor.send("visit")
    await asleep.reached()
    sleeper.freeze()
    # Two leases go by.
    await owner.execute("update inbox set lease_until = now()")

    # It may take the turn before it says that it serves.
    at_work = outside.hold("committing", "rescuer")
    rescuer = await fleet.start("rescuer", points=["committing"], alone=False, lease_s=120.0)
    visitor.url = rescuer.url
    await at_work.reached()
    if rescued:
        at_work.let_go()
        assert await visitor.answer(reply) == ["Rang: ring-1"]
    written = await rows_as_written(owner)

    asleep.let_go()
    sleeper.thaw()
    # A commit of what is done already is told so; either way it came as far as the fence.
    assert (await turn_logged(sleeper))["result"] == ("done" if rescued else "lease_lost")
    assert not [event for event in sleeper.events if event.get("event") == "lease_lost"]
    assert await rows_as_written(owner) == written

    at_work.let_go()
    assert await visitor.answer(reply) == ["Rang: ring-1"]
    assert await visitor.transcript() == [("user", "visit"), ("bot", "Rang: ring-1")]
    assert len(outside.keys("ring")) == 1


async def turn_logged(running: Any) -> dict[str, Any]:
    """The closing line of the process's first turn."""

    async def line() -> dict[str, Any] | None:
        return next((event for event in running.events if event.get("event") == "turn"), None)

    return dict(await until(line, "the turn's closing line"))


async def test_a_hundred_events_fifty_times_at_once_through_the_web_are_a_hundred_turns(
    fleet: Fleet, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    doors = await fleet.start_all("left", "right", alone=False, lease_s=10.0)
    people = await enter_many(http, doors[0].url, 10)
    urls = cycle(door.url for door in doors)

    async def deliver(n: int, url: str) -> tuple[int, str]:
        return n, await Visitor(http, url, people[n % 10].token).send(f"event {n}", f"event-{n}")

    taken = await asyncio.gather(*(deliver(n, next(urls)) for _ in range(50) for n in range(100)))
    assert len(set(taken)) == 100, "a repeat was told another reply than the first"
    await nothing_is_queued(owner)
    said = await owner.fetch("select content from messages where sender_type = 'user'")
    assert sorted(row["content"] for row in said) == sorted(f"event {n}" for n in range(100))
    answers = await owner.fetch("select content from messages where sender_type = 'bot'")
    assert sorted(row["content"] for row in answers) == sorted(f"You said event {n}" for n in range(100))
    turns = [event for door in doors for event in door.events if event.get("event") == "turn"]
    assert len(turns) == 100
