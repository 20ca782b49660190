"""`kill -9` at every point of a message's way: after the restart nothing is lost and nothing is doubled.

Where the point lies between two writes of ours, a lock or a held answer catches the process there. The
client sends again, with the same ids, whatever it has no answer to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientError, ClientSession
from databases import DatabaseUrls
from fleet import Fleet, Running, until
from outside import Outside
from people import Correspondent, Visitor

# What `order` says, and what stands around it.
ORDER = ["I am ordering.", "Once upon a time.", "Receipt confirm-1."]
SAID = [
    ("user", "hello"),
    ("bot", "You said hello"),
    ("user", "order"),
    *(("bot", text) for text in ORDER),
    ("user", "goodbye"),
    ("bot", "You said goodbye"),
]
ANSWERS = ["You said hello", *ORDER, "You said goodbye"]
WAITING_FOR_A_LOCK = (
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
)


@dataclass
class Scene:
    """One conversation, up to the message in the middle of whose way the process is killed."""

    fleet: Fleet
    outside: Outside
    owner: asyncpg.Connection[Any]
    urls: DatabaseUrls
    http: ClientSession

    async def start(self, *points: str, **more: Any) -> Running:
        self.running = await self.fleet.start(points=points, **more)
        return self.running

    async def send_in_vain(self, visitor: Visitor, text: str) -> asyncio.Task[None]:
        """Send; the process dies before it answers."""

        async def send() -> None:
            with pytest.raises(ClientError):
                await visitor.send(text, message_id=text)

        return asyncio.create_task(send())

    @asynccontextmanager
    async def locked(self, statement: str) -> AsyncIterator[None]:
        """Whatever wants what the statement locks waits until this ends."""
        locker = await asyncpg.connect(self.urls.owner_url)
        try:
            async with locker.transaction():
                await locker.execute(statement)
                yield
        finally:
            await locker.close()

    async def backends_waiting(self) -> list[int]:
        """The server's processes that wait for such a lock, once there is one."""

        async def waiting() -> list[int]:
            return [row["pid"] for row in await self.owner.fetch(WAITING_FOR_A_LOCK)]

        return list(await until(waiting, "somebody who waits for the lock"))

    async def kill_while_locked(self, *, server_notices: bool) -> None:
        """Kill the process while its statement waits; the server ends that statement, or carries it out."""
        backends = await self.backends_waiting()
        self.running.kill()
        if server_notices:
            for pid in backends:
                await self.owner.execute("select pg_terminate_backend($1, 5000)", pid)


Kill = Callable[[Scene, Visitor], Awaitable[None]]


async def after_the_token_check(scene: Scene, visitor: Visitor) -> None:
    # A process that has seen nobody yet must look the verified channel up.
    scene.running.kill()
    fresh = await scene.start()
    visitor.url = fresh.url
    async with scene.locked("lock table channels in access exclusive mode"):
        sending = await scene.send_in_vain(visitor, "order")
        await scene.kill_while_locked(server_notices=True)
    await sending


async def before_the_insert(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("accepting")
    sending = await scene.send_in_vain(visitor, "order")
    await hold.reached()
    scene.running.kill()
    await sending


async def during_the_insert(scene: Scene, visitor: Visitor) -> None:
    async with scene.locked("lock table inbox in share row exclusive mode"):
        sending = await scene.send_in_vain(visitor, "order")
        await scene.kill_while_locked(server_notices=True)
    await sending
    assert not await scene.owner.fetchval("select count(*) from messages where content = 'order'")


async def during_the_insert_which_the_server_finishes(scene: Scene, visitor: Visitor) -> None:
    async with scene.locked("lock table inbox in share row exclusive mode"):
        sending = await scene.send_in_vain(visitor, "order")
        await scene.kill_while_locked(server_notices=False)
    await sending

    async def stored() -> bool:
        return bool(await scene.owner.fetchval("select count(*) from messages where content = 'order'"))

    await until(stored, "the server to commit for a client that is dead")


async def after_the_insert_before_the_answer(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("accepted")
    sending = await scene.send_in_vain(visitor, "order")
    await hold.reached()
    scene.running.kill()
    await sending


async def after_the_claim(scene: Scene, visitor: Visitor) -> None:
    """Accepted by a process that works nothing, claimed by another."""
    scene.running.kill()
    door = await scene.start(works=False)
    visitor.url = door.url
    await visitor.send("order", message_id="order")
    hold = scene.outside.hold("claimed")
    worker = await scene.fleet.start("worker", points=["claimed"])
    await hold.reached()
    worker.kill()
    door.kill()


async def while_calling(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("call:pay")
    await visitor.send("order", message_id="order")
    await hold.reached()
    scene.running.kill()


async def in_the_middle_of_a_stream(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("call:piece-1")
    async with visitor.socket() as socket:
        await visitor.send("order", message_id="order")
        await hold.reached()
        assert [(await socket.next("delta"))["text"] for _ in range(2)] == ["Once ", "upon "]
        scene.running.kill()
    assert scene.outside.keys("pay") != []


async def after_a_call_is_on_record(scene: Scene, visitor: Visitor) -> None:
    """The second call hangs: the first is on record, as are the words before it nowhere yet."""
    hold = scene.outside.hold("call:confirm")
    await visitor.send("order", message_id="order")
    await hold.reached()
    scene.running.kill()


async def before_the_commit(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("committing")
    await visitor.send("order", message_id="order")
    await hold.reached()
    scene.running.kill()


async def in_the_commit(scene: Scene, visitor: Visitor) -> None:
    await _kill_in_the_commit(scene, visitor, server_notices=True)
    assert await scene.owner.fetchval("select count(*) from inbox") == 1


async def in_the_commit_which_the_server_finishes(scene: Scene, visitor: Visitor) -> None:
    await _kill_in_the_commit(scene, visitor, server_notices=False)

    async def done() -> bool:
        return not await scene.owner.fetchval("select count(*) from inbox")

    await until(done, "the server to commit for a worker that is dead")


async def _kill_in_the_commit(scene: Scene, visitor: Visitor, *, server_notices: bool) -> None:
    """Everything of the turn is written but for its queue entry, which is deleted last."""
    hold = scene.outside.hold("committing")
    await visitor.send("order", message_id="order")
    await hold.reached()
    async with scene.locked("lock table inbox in share row exclusive mode"):
        hold.let_go()
        await scene.kill_while_locked(server_notices=server_notices)


async def after_the_commit_before_anybody_is_told(scene: Scene, visitor: Visitor) -> None:
    hold = scene.outside.hold("committed")
    await visitor.send("order", message_id="order")
    await hold.reached()
    scene.running.kill()


POINTS = [
    after_the_token_check,
    before_the_insert,
    during_the_insert,
    during_the_insert_which_the_server_finishes,
    after_the_insert_before_the_answer,
    after_the_claim,
    while_calling,
    in_the_middle_of_a_stream,
    after_a_call_is_on_record,
    before_the_commit,
    in_the_commit,
    in_the_commit_which_the_server_finishes,
    after_the_commit_before_anybody_is_told,
]
# There the call's answer was not on record yet: it is made again, with the same key.
CALLED_TWICE = {while_calling: "pay", after_a_call_is_on_record: "confirm"}


@pytest.fixture
async def scene(
    fleet: Fleet,
    outside: Outside,
    owner: asyncpg.Connection[Any],
    database: DatabaseUrls,
    http: ClientSession,
) -> Scene:
    return Scene(fleet, outside, owner, database, http)


@pytest.mark.parametrize("kill", POINTS, ids=lambda kill: kill.__name__)
async def test_a_message_on_the_web_survives_kill_9(scene: Scene, kill: Kill) -> None:
    running = await scene.start("accepting", "accepted", "committing", "committed")
    visitor = await Visitor.enter(scene.http, running.url)
    await visitor.say("hello", message_id="hello")

    await kill(scene, visitor)

    again = await scene.fleet.start("again")
    await visitor.insist_on_all(at=again.url)
    await nothing_is_left(scene.owner)
    await visitor.say("goodbye")
    assert await visitor.transcript() == SAID
    for name in ("pay", "confirm"):
        keys = scene.outside.keys(name)
        assert len(set(keys)) == 1
        assert len(keys) == 1 + (CALLED_TWICE.get(kill) == name)


async def nothing_is_left(owner: asyncpg.Connection[Any]) -> None:
    """Wait until every entry is worked off and every delivery settled; none of them may be dead."""

    async def done() -> bool:
        return not await owner.fetchval(
            "select exists (select from inbox where status = 'queued')"
            " or exists (select from outbox where status = 'queued')"
        )

    await until(done, "all that was accepted to be answered and sent")
    assert await owner.fetch("select error from inbox") == []
    assert await owner.fetch("select error from outbox where status <> 'sent'") == []
    assert not await owner.fetchval(
        "select count(*) from messages where status <> 'completed' or sender_type = 'user' and answered_at is null"
    )


async def claimed_before_it_is_sent(scene: Scene, ada: Correspondent) -> None:
    await _kill_at("sending", scene, ada)


async def sent_and_its_answer_unread(scene: Scene, ada: Correspondent) -> None:
    await _kill_at("taken", scene, ada)


async def its_answer_read_and_not_yet_marked(scene: Scene, ada: Correspondent) -> None:
    await _kill_at("sent", scene, ada)


async def _kill_at(place: str, scene: Scene, ada: Correspondent) -> None:
    hold = scene.outside.hold(place)
    await ada.insist("order")
    await hold.reached()
    scene.running.kill()


async def while_it_is_marked(scene: Scene, ada: Correspondent) -> None:
    hold = scene.outside.hold("taken")
    await ada.insist("order")
    await hold.reached()
    async with scene.locked("select from outbox for update"):
        hold.let_go()
        await scene.kill_while_locked(server_notices=True)


async def marked(scene: Scene, ada: Correspondent) -> None:
    """The next delivery of the lane is about to be sent: the first is marked and nothing else is done."""
    first, second = scene.outside.hold("sending"), scene.outside.hold("sending")
    await ada.insist("order")
    await first.reached()
    first.let_go()
    await second.reached()
    scene.running.kill()


SENDING = [
    claimed_before_it_is_sent,
    sent_and_its_answer_unread,
    its_answer_read_and_not_yet_marked,
    while_it_is_marked,
    marked,
]
# Between the platform's yes and our mark nobody can know; there and only there a person may hear it twice.
AMBIGUOUS = {sent_and_its_answer_unread, its_answer_read_and_not_yet_marked, while_it_is_marked}


@pytest.mark.parametrize("looks_up", [False, True], ids=["cannot look up", "looks up"])
@pytest.mark.parametrize("kill", SENDING, ids=lambda kill: kill.__name__)
async def test_a_delivery_survives_kill_9(
    scene: Scene, kill: Callable[[Scene, Correspondent], Awaitable[None]], looks_up: bool
) -> None:
    running = await scene.start("sending", "sent", looks_up=looks_up)
    ada = Correspondent(scene.http, running.url, "ada", "thread 1")
    await ada.insist("hello")
    await nothing_is_left(scene.owner)

    await kill(scene, ada)

    again = await scene.fleet.start("again", looks_up=looks_up)
    await ada.insist_on_all(at=again.url)
    await ada.insist("goodbye")
    await nothing_is_left(scene.owner)
    hello, *rest = ANSWERS
    doubled = kill in AMBIGUOUS and not looks_up
    assert [each["content"] for each in scene.outside.delivered] == [hello, *rest[:doubled], *rest]
    # Without a look-up, a send that may have happened is labelled, whether it did or not.
    under_way = 2 if kill is marked else 1
    labels = await scene.owner.fetch("select possible_duplicate from outbox order by position")
    labelled = [n for n, row in enumerate(labels) if row["possible_duplicate"]]
    assert labelled == ([] if looks_up else [under_way])
    outcomes = [row["outcome"] for row in await scene.owner.fetch("select outcome from delivery_attempts")]
    assert outcomes.count("found") == (kill in AMBIGUOUS and looks_up)
