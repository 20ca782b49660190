"""Conversations in Slack, out to its messages: the demo's flows, and `kill -9` on a reply's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession
from commands import ROOT
from databases import DatabaseUrls
from fleet import Fleet, Running, until
from house import open_house
from outside import Outside
from slack_install import install

from adapters.contract import Delivery, Receipt
from bot.emulators.slack.person import Person
from bot.emulators.slack.server import SlackEmulator
from bot.slack.access import SlackAccess
from bot.slack.connecting import GivenTokens

BOTS = ROOT / "config" / "tenants"
LONG = " ".join(f"word-{n}" for n in range(2_600))


class Console:
    """Where the demo's one-time codes go."""

    platform = "terminal"

    def __init__(self) -> None:
        self.shown: list[str] = []

    async def send(self, delivery: Delivery) -> Receipt:
        self.shown.append(delivery.content)
        return Receipt(None)

    async def find(self, delivery: Delivery) -> Receipt | None:
        return None

    @property
    def code(self) -> str:
        return next(word.strip(".") for word in self.shown[-1].split() if word.strip(".").isdigit())


class Bank:
    """The demo tenant in one process, and the Slack that it is in."""

    def __init__(self, house: Any, slack: SlackEmulator, console: Console, owner: Any) -> None:
        self.house, self.slack, self.console, self.owner = house, slack, console, owner
        self.ada: Person = slack.person("Ada")

    async def settled(self) -> None:
        for _ in range(3):
            await self.slack.idle()
            await self.house.runtime.turns.settle()
            await self.house.runtime.deliveries.settle()
            await self.house.runtime.slack_inbound.errands.settle()

    async def says(self, text: str, *, thread: Any = None) -> list[str]:
        """Write, and give back what the bot has said to it."""
        before = len(self.slack.said())
        self.ada.writes(text, self.slack.general if thread else None, thread=thread)
        await self.settled()
        return [message.text for message in self.slack.said()[before:]]

    async def presses(self, label: str) -> list[str]:
        before = len(self.slack.said())
        await self.ada.presses(self.slack.said()[-1], label)
        await self.settled()
        return [message.text for message in self.slack.said()[before:]]


@pytest.fixture
async def bank(database, redis_url, clock) -> AsyncIterator[Bank]:
    console = Console()
    owner = await asyncpg.connect(database.owner_url)
    async with SlackEmulator(clock=lambda: clock().timestamp(), retry_after=(0.0, 0.01)) as slack:
        access = SlackAccess("https://b.example", slack.api_url, signing_secrets=(slack.app.signing_secret,))
        async with open_house(database, redis_url, BOTS, {"terminal": console}, clock, slack=access) as house:
            at = f"{house.url}/slack/events"
            slack.configure(events_url=at, interactivity_url=at, commands_url=at)
            demo = await house.runtime.tenants.create("demo")
            await house.runtime.channels.create(demo.id, "terminal", "demo-console")
            await house.runtime.slack.connector.connect(demo.id, GivenTokens(slack.bot_token))
            yield Bank(house, slack, console, owner)
    await owner.close()


async def test_a_transfer_by_words_and_buttons(bank):
    assert await bank.says("send money") == ["From which account?\nCurrent / Savings"]
    assert await bank.presses("Current") == ["To whom?"]
    [first, *_] = bank.slack.said()
    assert [block["type"] for block in first.blocks] == ["rich_text", "context"]  # the buttons are gone
    assert await bank.says("Grace") == ["How much, in euros?"]
    look, sure = await bank.says("250")
    assert look.startswith("Please look at it once more:\nTransfer")
    assert sure.startswith("Shall I send it?")
    [asked] = await bank.presses("Yes")
    assert "code" in asked
    [done] = await bank.says(bank.console.code)
    assert "€250.00 are on their way to Grace" in done
    # What Slack calls each message is kept, so that a reaction finds it.
    names = await bank.owner.fetch(
        "select external_message_id from messages where sender_type = 'bot' and seq is not null order by seq"
    )
    assert [row[0] for row in names] == [message.ts for message in bank.slack.said()]


async def test_a_conversation_in_a_thread_stays_there(bank):
    asked = bank.ada.mentions("send money", bank.slack.general)
    await bank.settled()
    await bank.presses("Savings")
    await bank.says("Grace", thread=asked)
    assert {message.thread_ts for message in bank.slack.said()} == {asked.ts}


async def test_a_token_that_slack_revoked_is_final_and_seen_by_operators(bank):
    await bank.says("hello")
    bank.slack.fault("revoked", "chat.postMessage")
    bank.ada.writes("send money")
    await bank.settled()
    [error] = await bank.owner.fetch("select error from outbox where status = 'failed'")
    assert error[0] == "token_revoked: the app was uninstalled: install it again"
    [row] = await bank.owner.fetch("select revoked_at, credentials from slack_installations")
    assert row["revoked_at"] is not None and row["credentials"] is None
    assert await bank.owner.fetchval("select disabled_at is not null from channels where platform = 'slack'")


async def test_a_crowd_in_one_channel_is_answered_at_the_pace_that_slack_allows(bank):
    """Each in a thread of their own; none of the answers is given up, and none comes too early."""
    asked = [bank.ada.mentions(f"send money {n}", bank.slack.general) for n in range(5)]
    await bank.settled()

    async def answered() -> bool:
        await bank.settled()
        return len(bank.slack.said()) == len(asked)

    await until(answered, "everybody to be answered", within_s=20)
    assert {message.thread_ts for message in bank.slack.said()} == {message.ts for message in asked}
    outcomes = await bank.owner.fetch("select outcome, count(*) from delivery_attempts group by 1 order by 1")
    assert [row["outcome"] for row in outcomes] == ["sent", "waited"]
    assert 429 not in {call.status for call in bank.slack.calls}


async def test_a_reply_that_must_wait_comes_later_and_once(bank):
    bank.slack.fault("ratelimited", "chat.postMessage", seconds=1)
    assert await bank.says("send money") == []

    async def answered() -> bool:
        await bank.settled()
        return bool(bank.slack.said())

    await until(answered, "the answer to come")
    assert len(bank.slack.said()) == 1


@dataclass
class Scene:
    """Ada's direct message with a bot that real processes serve."""

    fleet: Fleet
    slack: SlackEmulator
    owner: asyncpg.Connection[Any]
    urls: DatabaseUrls

    async def start(self, name: str = "one") -> Running:
        self.running = await self.fleet.start(
            name,
            slack_api_url=self.slack.api_url,
            slack_signing_secret=self.slack.app.signing_secret,
            lease_s=3.0,
        )
        at = f"{self.running.url}/slack/events"
        self.slack.configure(events_url=at, interactivity_url=at, commands_url=at)
        return self.running

    def said(self) -> list[str]:
        """What the bot has said, its words alone."""
        return [
            "".join(
                run["text"]
                for block in message.blocks
                for part in block.get("elements", ())
                for run in part.get("elements", ())
            )
            for message in self.slack.said()
        ]

    async def says(self, text: str) -> None:
        self.slack.person("Ada").writes(text)
        await self.nothing_waits()

    async def nothing_waits(self) -> None:
        async def done() -> bool:
            await asyncio.sleep(0)
            return not await self.owner.fetchval(
                "select exists (select from inbox where status = 'queued')"
                " or exists (select from outbox where status = 'queued')"
                " or not exists (select from messages where sender_type = 'user')"
            )

        await self.slack.idle()
        await until(done, "all that was said to be answered and sent")

    async def dies(self) -> None:
        """Wait until the process is dead."""

        async def dead() -> bool:
            return not Path(f"/proc/{self.running.pid}/cmdline").exists() or not (
                Path(f"/proc/{self.running.pid}/cmdline").read_bytes()
            )

        await until(dead, "the process to be killed")

    def kill_once_said(self, count: int) -> None:
        """Kill the process in the moment in which Slack has so many messages of it, before it is answered."""
        platform = self.slack.platform

        def look() -> None:
            if len(self.slack.said()) >= count:
                platform.unwatch(look)
                self.running.kill()

        platform.watch(look)

    @asynccontextmanager
    async def locked(self, statement: str) -> AsyncIterator[None]:
        locker = await asyncpg.connect(self.urls.owner_url)
        try:
            async with locker.transaction():
                await locker.execute(statement)
                yield
        finally:
            await locker.close()


async def asked_and_not_taken(scene: Scene) -> None:
    """Slack has the request and has done nothing yet."""
    scene.slack.fault("slow", "chat.postMessage", seconds=60)
    scene.slack.person("Ada").writes(LONG)

    async def asked() -> bool:
        async with ClientSession() as http, http.get(f"{scene.slack.url}/emulator/faults") as answer:
            return await answer.json() == []

    await until(asked, "the call to arrive")
    scene.running.kill()


async def taken_and_the_answer_unread(scene: Scene) -> None:
    scene.kill_once_said(2)
    scene.slack.person("Ada").writes(LONG)


async def the_second_part_taken(scene: Scene) -> None:
    scene.kill_once_said(3)
    scene.slack.person("Ada").writes(LONG)


async def all_answers_read_and_nothing_marked(scene: Scene) -> None:
    scene.slack.person("Ada").writes(LONG)

    async def begun() -> bool:
        return len(scene.slack.said()) >= 2

    await until(begun, "the first part to be posted")
    async with scene.locked("select from outbox where status = 'queued' for update"):

        async def waits() -> bool:
            return bool(
                await scene.owner.fetchval(
                    "select count(*) from pg_stat_activity"
                    " where datname = current_database() and wait_event_type = 'Lock'"
                )
            )

        await until(waits, "somebody who waits for the lock")
        scene.running.kill()
        for row in await scene.owner.fetch(
            "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        ):
            await scene.owner.execute("select pg_terminate_backend($1, 5000)", row["pid"])


POINTS = [
    asked_and_not_taken,
    taken_and_the_answer_unread,
    the_second_part_taken,
    all_answers_read_and_nothing_marked,
]


@pytest.mark.parametrize("kill", POINTS, ids=lambda kill: kill.__name__)
async def test_a_reply_in_parts_survives_kill_9_and_is_there_once(
    fleet: Fleet,
    acme: Any,
    database: DatabaseUrls,
    owner: asyncpg.Connection[Any],
    kill: Callable[[Scene], Awaitable[None]],
) -> None:
    async with SlackEmulator(retry_after=(0.0, 0.1, 0.1)) as slack:
        await install(slack, acme, database)
        scene = Scene(fleet, slack, owner, database)
        await scene.start()
        await scene.says("hello")

        await kill(scene)
        await scene.dies()
        await scene.start("again")
        await scene.nothing_waits()
        await scene.says("goodbye")

        first, *parts, last = scene.said()
        assert (first, last) == ("You said hello", "You said goodbye")
        assert len(parts) == 3
        assert " ".join(parts).split() == f"You said {LONG}".split()
        rows = await owner.fetch("select status, error, possible_duplicate from outbox")
        assert {tuple(row) for row in rows} == {("sent", None, False)}


async def test_a_thread_shows_that_the_bot_is_at_work_while_a_turn_takes_long(
    fleet: Fleet, acme: Any, database: DatabaseUrls, owner: asyncpg.Connection[Any], outside: Outside
) -> None:
    async with SlackEmulator(retry_after=(0.0, 0.1, 0.1)) as slack:
        await install(slack, acme, database)
        scene = Scene(fleet, slack, owner, database)
        await scene.start()
        hold = outside.hold("call:pay")
        asked = slack.person("Ada").mentions("order", slack.general)
        await hold.reached()

        async def works() -> bool:
            thread = slack.platform.surface.of(slack.general.id, asked.ts)
            return (thread.session, bool(thread.status)) == ("processing", True)

        async def rests() -> bool:
            thread = slack.platform.surface.of(slack.general.id, asked.ts)
            return (thread.session, thread.status) == ("active", "")

        await until(works, "the thread to show it")
        hold.let_go()
        await until(rests, "the thread to show nothing any more")
        await scene.nothing_waits()
        assert {message.thread_ts for message in slack.said()} == {asked.ts}
