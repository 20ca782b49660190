"""Answers that grow in Slack while they are written: whatever happens, in the end it is said once, and whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from clocks import MovableClock
from databases import DatabaseUrls
from fleet import Fleet, Running, until
from house import House, open_house
from outside import Outside
from slack_blocks import seen
from slack_install import install

from bot.answers import ModelAccess
from bot.emulators.model.server import KEY, ModelEmulator
from bot.emulators.slack.records import Message
from bot.emulators.slack.server import SlackEmulator
from bot.knowledge.ingest import ingest
from bot.slack.access import SlackAccess
from bot.slack.connecting import GivenTokens

FEES = "# Fees\n\n## Cards\n\nA new card costs five euros. It comes within a week.\n"
QUESTION = "What does a new card cost?"
PIECES = ["A new ", "card ", "costs ", "**five euros**. ", "It ", "comes ", "within ", "a ", "week."]
WHOLE = "".join(PIECES)
FLOWS = """
from flows import Chat, Flow

secret = Flow("secret", phrases=["secret"])


@secret
async def write_in_secret(chat: Chat) -> None:
    await chat.generate("Write something private.", stream=True, sensitive=True)


both = Flow("both", phrases=["both"])


@both
async def say_and_write(chat: Chat) -> None:
    await chat.say("First.")
    await chat.generate("Write something.", stream=True)
"""


def words(message: Message) -> str:
    """What a message says: the text of one that was only streamed, and else its blocks'."""
    return message.text if message.streaming_state and not message.edited else seen([message])


@dataclass
class Bank:
    """A tenant with documents and a model, in a Slack."""

    house: House
    slack: SlackEmulator
    model: ModelEmulator
    owner: asyncpg.Connection[Any]

    async def settled(self) -> None:
        runtime = self.house.runtime
        assert runtime.turns is not None
        assert runtime.deliveries is not None
        await self.slack.idle()
        await runtime.turns.settle()
        await runtime.deliveries.settle()

    def asks(self, text: str = QUESTION, *, thread: bool = True) -> Message:
        ada = self.slack.person("Ada")
        return ada.mentions(text, self.slack.general) if thread else ada.writes(text)

    async def shows(self, text: str) -> Message:
        """Wait until Slack shows a text that the bot is writing."""

        async def there() -> Message | None:
            return next((each for each in self.slack.said() if text in f"{each.text}{seen([each])}"), None)

        found = await until(there, f"{text!r} to be shown")
        assert isinstance(found, Message)
        return found

    async def rows(self) -> list[tuple[Any, ...]]:
        rows = await self.owner.fetch("select status, external_message_id, possible_duplicate from outbox")
        return [tuple(row) for row in rows]


@pytest.fixture
async def bank(
    database: DatabaseUrls, redis_url: str, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[Bank]:
    flows = tmp_path / "bots" / "acme" / "flows"
    flows.mkdir(parents=True)
    (flows / "secret.py").write_text(FLOWS)
    (tmp_path / "fees.md").write_text(FEES)
    owner = await asyncpg.connect(database.owner_url)
    async with (
        ModelEmulator() as model,
        SlackEmulator(clock=lambda: clock().timestamp(), retry_after=(0.0, 0.01)) as slack,
    ):
        access = SlackAccess("https://b.example", slack.api_url, signing_secrets=(slack.app.signing_secret,))
        reach = ModelAccess(KEY, model.url)
        async with open_house(
            database, redis_url, tmp_path / "bots", {}, clock, model=reach, slack=access
        ) as house:
            at = f"{house.url}/slack/events"
            slack.configure(events_url=at, interactivity_url=at, commands_url=at)
            tenant = await house.runtime.tenants.create("acme")
            await house.runtime.slack.connector.connect(tenant.id, GivenTokens(slack.bot_token))
            answers = house.runtime.answers
            await ingest(answers.documents, answers.embedder, [tmp_path / "fees.md"], tenant.id)
            model.script({"text": PIECES, "delay": 0.15, "cite": [0]})
            yield Bank(house, slack, model, owner)
    await owner.close()


async def test_an_answer_grows_in_its_thread_and_ends_with_its_sources(bank: Bank) -> None:
    asked = bank.asks()
    growing = await bank.shows("A new")
    assert (growing.streaming_state, growing.thread_ts) == ("in_progress", asked.ts)
    assert WHOLE not in growing.text
    await bank.settled()
    [message] = bank.slack.said()
    assert message.ts == growing.ts
    assert WHOLE in message.text
    assert "Fees" in str(message.blocks)
    assert "feedback_buttons" in str(message.blocks)
    assert await bank.rows() == [("sent", message.ts, False)]
    said = await bank.owner.fetch(
        "select external_message_id, status from messages where sender_type = 'bot'"
    )
    assert [tuple(row) for row in said] == [(message.ts, "completed")]
    assert {"chat.update", "chat.postMessage"}.isdisjoint(call.method for call in bank.slack.calls)


async def test_in_a_direct_message_the_answer_grows_in_place(bank: Bank) -> None:
    bank.asks(thread=False)
    growing = await bank.shows("A new")
    assert growing.thread_ts is None
    await bank.settled()
    [message] = bank.slack.said()
    assert message.ts == growing.ts
    assert "within a week." in seen([message])
    assert "Fees" in str(message.blocks)
    assert await bank.rows() == [("sent", message.ts, False)]


async def test_stop_ends_the_generation_with_what_was_said(bank: Bank) -> None:
    asked = bank.asks()
    await bank.shows("A new")

    async def works() -> bool:
        return bank.slack.platform.surface.of(bank.slack.general.id, asked.ts).session == "processing"

    await until(works, "the Stop button")
    bank.slack.person("Ada").agent.stops(bank.slack.general, asked)
    await bank.settled()
    [message] = bank.slack.said()
    [said] = await bank.owner.fetch("select content from messages where sender_type = 'bot'")
    assert "within a week" not in said["content"]
    assert words(message).startswith("A new")
    assert said["content"].split()[-1].strip("*_()") in f"{message.text}{seen([message])}"
    assert await bank.rows() == [("sent", message.ts, False)]


async def test_a_model_that_breaks_off_leaves_one_message_with_the_quotes(bank: Bank) -> None:
    bank.model.script({"text": PIECES, "delay": 0.15, "fault": "cut", "after": 8})
    bank.asks()
    await bank.shows("A new")
    await bank.settled()
    [message] = bank.slack.said()
    assert "This is what I found" in seen([message])
    assert await bank.rows() == [("sent", message.ts, False)]


@pytest.mark.parametrize("thread", [True, False])
async def test_what_is_sensitive_is_only_said_when_it_is_whole(bank: Bank, thread: bool) -> None:
    bank.model.script({"text": PIECES, "delay": 0.15})
    bank.asks("secret", thread=thread)
    await bank.settled()
    assert len(bank.slack.said()) == 1
    methods = [call.method for call in bank.slack.calls if call.method.startswith("chat.")]
    assert methods == ["chat.postMessage"]


@pytest.mark.parametrize("thread", [True, False])
async def test_what_was_said_before_stands_above_what_is_written(bank: Bank, thread: bool) -> None:
    bank.model.script({"text": PIECES, "delay": 0.15})
    bank.asks("both", thread=thread)
    await bank.settled()
    said = [f"{message.text}{seen([message])}" for message in bank.slack.said()]
    assert ["First." in text for text in said] == [True, False]
    assert "within a week." in said[1]


async def test_a_stream_that_dies_is_one_message_in_the_end(bank: Bank) -> None:
    bank.slack.platform.stream_seconds = 0.0
    bank.asks()
    growing = await bank.shows("A new")
    await bank.settled()
    [message] = bank.slack.said()
    assert message.ts == growing.ts
    assert "within a week." in seen([message])


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("chat.startStream", "ratelimited"),
        ("chat.startStream", "unknown_method"),
        ("chat.startStream", "cut"),
        ("chat.appendStream", "ratelimited"),
        ("chat.appendStream", "cut_after"),
        ("chat.appendStream", "error"),
        ("chat.stopStream", "ratelimited"),
        ("chat.stopStream", "cut"),
        ("chat.stopStream", "cut_after"),
        ("chat.stopStream", "error_after"),
    ],
)
async def test_whatever_fails_on_the_way_one_message_says_it_all(bank: Bank, method: str, fault: str) -> None:
    bank.slack.fault(fault, method, seconds=1)
    bank.asks()

    async def sent() -> bool:
        await bank.settled()
        return [row[0] for row in await bank.rows()] == ["sent"]

    await until(sent, "the answer to be sent")
    [message] = bank.slack.said()
    assert "within a week." in f"{message.text}{seen([message])}"
    assert [row[2] for row in await bank.rows()] == [False]


async def test_a_start_that_arrived_and_was_not_answered_is_one_duplicate_at_most_and_labelled(
    bank: Bank,
) -> None:
    bank.slack.fault("cut_after", "chat.startStream")
    bank.asks()

    async def sent() -> bool:
        await bank.settled()
        return [row[0] for row in await bank.rows()] == ["sent"]

    await until(sent, "the answer to be sent")
    _left, message = bank.slack.said()
    assert "within a week." in seen([message])
    assert [row[2] for row in await bank.rows()] == [True]


@dataclass
class Scene:
    """A story that Ada is told, in a thread or in a direct message, by a process that dies meanwhile."""

    fleet: Fleet
    slack: SlackEmulator
    outside: Outside
    owner: asyncpg.Connection[Any]
    thread: bool

    async def start(self, name: str = "one", **more: Any) -> Running:
        self.running = await self.fleet.start(
            name,
            slack_api_url=self.slack.api_url,
            slack_signing_secret=self.slack.app.signing_secret,
            lease_s=3.0,
            **more,
        )
        at = f"{self.running.url}/slack/events"
        self.slack.configure(events_url=at, interactivity_url=at, commands_url=at)
        return self.running

    def asks(self) -> None:
        ada = self.slack.person("Ada")
        if self.thread:
            ada.mentions("story", self.slack.general)
        else:
            ada.writes("story")

    async def shows(self, text: str) -> None:
        async def there() -> bool:
            return any(text in f"{each.text}{seen([each])}" for each in self.slack.said())

        await until(there, f"{text!r} to be shown")

    def kill_once(self, condition: Callable[[], bool]) -> asyncio.Event:
        """Kill the process in the moment in which it comes true at Slack, before Slack answers."""
        platform, killed = self.slack.platform, asyncio.Event()

        def look() -> None:
            if condition():
                platform.unwatch(look)
                self.running.kill()
                killed.set()

        platform.watch(look)
        return killed

    async def nothing_waits(self) -> None:
        async def done() -> bool:
            await asyncio.sleep(0)
            return not await self.owner.fetchval(
                "select exists (select from inbox where status = 'queued')"
                " or exists (select from outbox where status in ('open', 'queued'))"
                " or not exists (select from messages where sender_type = 'user')"
            )

        await self.slack.idle()
        await until(done, "all that was said to be answered and sent")


async def before_anything_is_shown(scene: Scene) -> None:
    hold = scene.outside.hold("call:piece-0")
    scene.asks()
    await hold.reached()
    scene.running.kill()


async def the_message_opened_and_the_answer_unread(scene: Scene) -> None:
    hold = scene.outside.hold("call:piece-0")
    killed = scene.kill_once(lambda: bool(scene.slack.said()))
    scene.asks()
    await hold.reached()
    await killed.wait()


async def in_the_middle_of_the_text(scene: Scene) -> None:
    hold = scene.outside.hold("call:piece-1")
    scene.outside.hold("call:piece-0")
    scene.asks()
    await scene.shows("Once")
    scene.outside.let_all_go()
    await hold.reached()
    scene.running.kill()


async def all_is_written_and_nothing_committed(scene: Scene) -> None:
    scene.outside.hold("call:piece-0")
    committing = scene.outside.hold("committing", "one")
    scene.asks()
    await scene.shows("Once")
    scene.outside._holds[0].let_go()
    await committing.reached()
    scene.running.kill()


async def committed_and_not_finished(scene: Scene) -> None:
    scene.outside.hold("call:piece-0")
    committed = scene.outside.hold("committed", "one")
    scene.asks()
    await scene.shows("Once")
    scene.outside._holds[0].let_go()
    await committed.reached()
    scene.running.kill()


async def finished_and_the_answer_unread(scene: Scene) -> None:
    hold = scene.outside.hold("call:piece-0")
    scene.asks()
    await scene.shows("Once")
    killed = scene.kill_once(
        lambda: any((each.metadata or {}).get("event_type") == "parley_reply" for each in scene.slack.said())
    )
    hold.let_go()
    await killed.wait()


POINTS = [
    before_anything_is_shown,
    the_message_opened_and_the_answer_unread,
    in_the_middle_of_the_text,
    all_is_written_and_nothing_committed,
    committed_and_not_finished,
    finished_and_the_answer_unread,
]


@pytest.mark.parametrize("thread", [True, False], ids=["thread", "dm"])
@pytest.mark.parametrize("kill", POINTS, ids=lambda kill: kill.__name__)
async def test_a_story_survives_kill_9_and_is_there_once(
    fleet: Fleet,
    acme: Any,
    database: DatabaseUrls,
    owner: asyncpg.Connection[Any],
    outside: Outside,
    kill: Callable[[Scene], Awaitable[None]],
    thread: bool,
) -> None:
    async with SlackEmulator(retry_after=(0.0, 0.1, 0.1)) as slack:
        await install(slack, acme, database)
        scene = Scene(fleet, slack, outside, owner, thread)
        await scene.start(points=["committing", "committed"])
        await kill(scene)
        outside.let_all_go()
        await scene.start("again")
        await scene.nothing_waits()

        *left, story, end = [f"{each.text}{seen([each])}" for each in slack.said()]
        assert "Once upon a time." in story
        assert "The end." in end
        rows = [
            tuple(row)
            for row in await owner.fetch(
                "select status, error, possible_duplicate from outbox order by position"
            )
        ]
        ambiguous = thread and kill is the_message_opened_and_the_answer_unread
        assert rows == [("sent", None, ambiguous), ("sent", None, False)]
        # Of the stream that nobody could name, what it had said until then.
        assert left == (["Once "] if ambiguous else [])
