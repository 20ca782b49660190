"""Whole conversations, over HTTP, WebSocket and a platform, on real storage."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import redis.asyncio
from aiohttp import ClientSession
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import Fleet, Running, until
from house import House, open_house
from outside import Outside
from people import Correspondent, Visitor, payload_of, text_of

from adapters.terminal.adapter import TerminalAdapter
from bot.demo import ensure_demo

DEMO_BOTS = Path(__file__).parents[2] / "config" / "tenants"
CODE = re.compile(r"\d{6}")


@pytest.fixture
def console() -> list[str]:
    """What the demo's console shows: the one-time codes."""
    return []


@pytest.fixture
async def bank(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, console: list[str]
) -> AsyncIterator[House]:
    """The demo tenant, as `parley run` serves it."""
    terminal = {"terminal": TerminalAdapter(console.append)}
    async with open_house(database, redis_url, DEMO_BOTS, terminal, clock) as house:
        await ensure_demo(house.runtime)
        yield house


async def next_code(bank: House, console: list[str]) -> str:
    deliveries = bank.runtime.deliveries
    assert deliveries is not None
    await deliveries.settle()
    return CODE.findall(console[-1])[0]


async def test_the_bank_tells_a_balance_to_whoever_has_the_code(
    bank: House, console: list[str], http: ClientSession
) -> None:
    visitor = await Visitor.enter(http, bank.url, "demo")
    assert await visitor.say("What is my balance?") == ["Which account?"]
    question = (await visitor.messages())[-1]
    [asked] = await visitor.say("Savings", payload=payload_of(question, "Savings"))
    assert asked.startswith("I have sent a code to")
    assert await visitor.say("000 000") == [
        'That code is not right. Please try again, or say "resend" for a new one.'
    ]
    assert await visitor.say(await next_code(bank, console)) == ["Your savings account holds €18,300.00."]
    transcript = await visitor.transcript()
    assert [text for sender, text in transcript if sender == "user"] == [
        "What is my balance?",
        "Savings",
        "[sensitive]",
        "[sensitive]",
    ]


async def test_the_same_over_a_websocket(bank: House, console: list[str], http: ClientSession) -> None:
    visitor = await Visitor.enter(http, bank.url, "demo")
    async with visitor.socket() as socket:

        async def say(number: int, text: str) -> str:
            await socket.send(type="message", id=f"m{number}", text=text)
            ack = await socket.next("ack")
            while True:
                frame = await socket.next("message")
                if frame["in_reply_to"] == ack["message_id"]:
                    return text_of(frame)

        assert await say(1, "balance") == "Which account?"
        assert (await say(2, "Current")).startswith("I have sent a code to")
        assert await say(3, await next_code(bank, console)) == "Your current account holds €1,240.50."


async def test_a_form_is_filled_in_over_days_and_restarts(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, http: ClientSession
) -> None:
    """Three days lie between any two answers, and each finds a runtime that was not there before."""
    answers = [
        ("Open an account", "What is your full name?"),
        ("Ada Lovelace", "When were you born, Ada?"),
        ("1990-12-10", "Where can we email you?"),
        ("ada@example.com", "What is the number on your identity card?"),
        ("X1234567", "What do you earn in a month, in euros?"),
        ("4000", "May we send you our newsletter?"),
        ("No", "Is that right?"),
    ]
    visitor = None
    for text, question in answers:
        async with open_house(database, redis_url, DEMO_BOTS, {}, clock) as house:
            await ensure_demo(house.runtime)
            if visitor is None:
                visitor = await Visitor.enter(http, house.url, "demo")
            visitor.url = house.url
            assert (await visitor.say(text))[-1] == question
        clock.advance(timedelta(days=3))
    assert visitor is not None
    async with open_house(database, redis_url, DEMO_BOTS, {}, clock) as house:
        visitor.url = house.url
        [welcome] = await visitor.say("Yes")
        assert re.fullmatch(
            r"Welcome, Ada Lovelace! Your application has the number A-[0-9A-F]{6}\.", welcome
        )
        assert len({message["session_id"] for message in await visitor.messages()}) == 1


async def heard(outside: Outside, name: str, count: int) -> list[str]:
    """What the platform has for a person, once it is at least `count` messages."""

    async def enough() -> list[str] | None:
        texts = [each["content"] for each in outside.delivered if each["address"] == name]
        return texts if len(texts) >= count else None

    return list(await until(enough, f"{count} messages for {name}"))


async def test_two_people_in_one_thread_cannot_answer_for_each_other(
    fleet: Fleet, outside: Outside, http: ClientSession
) -> None:
    running = await fleet.start()
    ada, bob = (Correspondent(http, running.url, name, "one thread") for name in ("ada", "bob"))
    await ada.insist("colour")
    assert await heard(outside, "ada", 1) == ["Which colour do you like?"]
    await bob.insist("red")
    assert await heard(outside, "bob", 1) == ["You said red"]
    await bob.insist("cancel")
    assert (await heard(outside, "bob", 2))[-1] == "There is nothing to cancel."
    await ada.insist("blue")
    assert (await heard(outside, "ada", 2))[-1] == "You like blue."
    elsewhere = Correspondent(http, running.url, "ada", "another thread")
    await elsewhere.insist("green")
    assert (await heard(outside, "ada", 3))[-1] == "You said green"
    assert {each["thread"] for each in outside.delivered[:4]} == {"one thread"}


async def test_a_visitor_cannot_press_the_button_of_another(bank: House, http: ClientSession) -> None:
    ada, bob = [await Visitor.enter(http, bank.url, "demo") for _ in range(2)]
    for person in (ada, bob):
        await person.say("balance")
    question = (await ada.messages())[-1]
    pressed = await bob.say("Savings", payload=payload_of(question, "Savings"))
    assert pressed[0] == "That button has expired."
    assert [text for _, text in await ada.transcript()] == ["balance", "Which account?"]


async def test_a_thousand_messages_arrive_once_and_in_order_however_often_the_line_is_cut(
    fleet: Fleet, http: ClientSession
) -> None:
    """Every connection ends after one to twenty frames; the next is of the other kind and goes on from there."""
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)
    await visitor.say("start")
    seen = await visitor.messages()
    _, page = await visitor.call("GET", "messages?limit=1")
    cursor = page["cursor"]

    async def talk() -> None:
        for n in range(499):
            await visitor.insist(f"word {n}")

    async def read_by_socket(frames: int) -> None:
        nonlocal cursor
        async with visitor.socket(cursor) as socket:
            for _ in range(min(frames, 1000 - len(seen))):
                frame = await socket.next("message", "resync")
                assert frame["type"] == "message"
                seen.append(frame)
                cursor = frame["cursor"]

    async def read_by_polling() -> None:
        nonlocal cursor
        _, newest = await visitor.call("GET", "messages?limit=50")
        found, last = newest["messages"], seen[-1]["message_id"]
        while last not in [each["message_id"] for each in found]:
            _, older = await visitor.call("GET", f"messages?limit=50&before={found[0]['message_id']}")
            found = older["messages"] + found
        at = [each["message_id"] for each in found].index(last)
        seen.extend(found[at + 1 :])
        cursor = newest["cursor"]

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(talk())
        for frames in cycle(range(1, 21)):
            await read_by_socket(frames)
            if len(seen) >= 1000:
                break
            await read_by_polling()
    everything = await visitor.messages()
    assert len(everything) == 1000
    assert [each["message_id"] for each in seen] == [each["message_id"] for each in everything]


async def test_a_message_sent_twenty_times_on_every_transport_is_one_row(
    fleet: Fleet, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)
    async with visitor.socket() as socket:

        async def by_socket() -> str:
            await socket.send(type="message", id="m1", text="hello")
            return str((await socket.next("ack"))["message_id"])

        async def by_http() -> str:
            status, taken = await visitor.call("POST", "messages", json={"id": "m1", "text": "hello"})
            assert status == 202
            return str(taken["message_id"])

        by_line = asyncio.gather(*(by_http() for _ in range(10)))
        ids = [await by_socket() for _ in range(10)] + list(await by_line)
    assert len(set(ids)) == 1
    assert await owner.fetchval("select count(*) from messages where sender_type = 'user'") == 1

    async def answered() -> bool:
        return len(await visitor.transcript()) == 2

    await until(answered, "the answer")
    assert await visitor.transcript() == [("user", "hello"), ("bot", "You said hello")]


async def test_stop_ends_a_stream_with_what_was_said_wherever_it_runs(
    fleet: Fleet, outside: Outside, http: ClientSession
) -> None:
    """Stop goes in by a process that only accepts; the turn runs in another."""
    door = await fleet.start("door", works=False, alone=False)
    await fleet.start("worker", alone=False)
    visitor = await Visitor.enter(http, door.url)
    hold = outside.hold("call:piece-1")
    async with visitor.socket() as socket:
        await socket.send(type="message", id="m1", text="story")
        await hold.reached()
        assert [(await socket.next("delta"))["text"] for _ in range(2)] == ["Once ", "upon "]
        await socket.send(type="message", id="m2", text="next")
        await socket.next("ack")
        await socket.send(type="stop")

        async def said() -> list[str] | None:
            texts = [text for sender, text in await visitor.transcript() if sender == "bot"]
            return texts if len(texts) == 2 else None

        # The stream is still held: nothing but Stop can have ended it.
        assert await until(said, "the rest of the lane") == ["Once upon  … (stopped)", "You said next"]


async def test_a_damaged_state_is_set_aside_and_the_message_answered_afresh(
    fleet: Fleet, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)
    await visitor.say("count")
    await visitor.say("one")
    await owner.execute("""update conversation_state set data = '{"format": 1, "frames": [{"flow": 7}]}'""")
    assert await visitor.say("hello") == [
        "Sorry, I lost track of our conversation, so we start afresh.",
        "You said hello",
    ]
    assert await visitor.say("again") == ["You said again"]
    assert await owner.fetchval("select count(*) from damaged_states") == 1
    assert any(event.get("event") == "state_damaged" for event in running.events)


async def test_a_message_that_cannot_be_opened_is_a_dead_letter_and_blocks_nobody(
    fleet: Fleet, outside: Outside, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    """In a sensitive flow input waits sealed; one that was altered in the database can never be read."""
    door = await fleet.start("door", works=False)
    visitor = await Visitor.enter(http, door.url)
    await visitor.send("pin")
    worker = await fleet.start("worker")

    async def asked() -> bool:
        return len(await visitor.transcript()) == 2

    await until(asked, "the question")
    worker.kill()
    await visitor.send("4711", "broken")
    later = await visitor.send("0815", "sound")
    await owner.execute(
        "update messages set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)"
        " where external_message_id = 'broken'"
    )
    await fleet.start("again")
    assert await visitor.answer(later) == ["And once more?"]
    assert ("user", "[unreadable]") in await visitor.transcript()
    assert await owner.fetchval("select count(*) from inbox where status = 'dead'") == 1


SECRETS = ("canary-pin-7319", "canary-again-2846")
OPEN = "canary-in-the-open"
BYTES = re.compile(r"\\x((?:[0-9a-f]{2})+)")


async def dump(owner: asyncpg.Connection[Any]) -> str:
    """Every row of every table as text; bytes also as what they spell."""
    tables = await owner.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname not in ('pg_catalog', 'information_schema')"
    )
    text = ""
    for table in tables:
        for row in await owner.fetch(f"select t::text as text from {table['name']} t"):
            spelt = [bytes.fromhex(each).decode(errors="replace") for each in BYTES.findall(row["text"])]
            text += "\n".join([row["text"], *spelt, ""])
    return text


async def dump_redis(url: str) -> str:
    client = redis.asyncio.Redis.from_url(url)
    text = ""
    async for key in client.scan_iter():
        text += f"{key!r} {await client.dump(key)!r}\n"
    await client.aclose()
    return text


def logs(fleet: Fleet) -> str:
    """Of all processes, and of the database server."""
    sockets = parse_qs(urlsplit(fleet.urls.owner_url).query)["host"][0]
    server = Path(sockets).parent / "logs" / "postgres.log"
    return server.read_text() + "".join(running.log.read_text() for running in fleet.all)


async def test_sensitive_answers_and_codes_are_nowhere_in_the_database_redis_or_the_logs(
    fleet: Fleet, outside: Outside, owner: asyncpg.Connection[Any], http: ClientSession
) -> None:
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)

    async def found(*canaries: str) -> list[str]:
        everything = await dump(owner) + await dump_redis(fleet.redis_url) + logs(fleet)
        return [canary for canary in canaries if canary in everything]

    await visitor.say(OPEN)
    assert await found(OPEN) == [OPEN]

    await visitor.say("vault")
    [sent] = await outside.arrived(1)
    [code] = CODE.findall(sent["content"])
    await until(lambda: _sent(owner), "the delivery to be marked")
    assert await found(f"code is {code}", f'"{code}"', f"({code})") == []
    assert await visitor.say(code) == ["The vault is open."]

    await visitor.say("pin")
    assert await visitor.say(SECRETS[0]) == ["And once more?"]
    assert await found(*SECRETS) == []
    await wait_in_the_lane(fleet, running, outside, visitor)
    assert await found(*SECRETS, f"code is {code}") == []
    assert ("user", "[sensitive]") in await visitor.transcript()


async def _sent(owner: asyncpg.Connection[Any]) -> bool:
    return bool(await owner.fetchval("select count(*) from outbox where status = 'sent'"))


async def wait_in_the_lane(fleet: Fleet, running: Running, outside: Outside, visitor: Visitor) -> None:
    """The last answer lies queued for a while, with nobody to work on it, before it is taken."""
    running.kill()
    door = await fleet.start("door", works=False)
    visitor.url = door.url
    reply = await visitor.send(SECRETS[1])
    owner = await asyncpg.connect(fleet.urls.owner_url)
    try:
        assert await owner.fetchval("select count(*) from inbox") == 1
        assert SECRETS[1] not in await dump(owner)
    finally:
        await owner.close()
    await fleet.start("worker")
    assert await visitor.answer(reply) == ["They differ."]
