"""Postgres restarts, Redis goes or forgets, the process is told to stop: what was accepted is answered, once."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from aiohttp import ClientError, ClientSession
from databases import DatabaseUrls
from fleet import BOTS, Fleet, until
from outside import Outside
from own_cluster import OwnCluster, running_cluster
from people import Correspondent, Visitor
from vaults import ROOT

REPOSITORY = Path(__file__).parents[2]
CODE = re.compile(r"\d{6}")


@pytest.fixture(scope="module")
def cluster(_runner: asyncio.Runner) -> Iterator[OwnCluster]:
    with running_cluster(_runner) as cluster:
        yield cluster


@pytest.fixture
async def database(cluster: OwnCluster) -> AsyncIterator[DatabaseUrls]:
    async with cluster.database() as urls:
        yield urls


@pytest.fixture
async def redis_url(cluster: OwnCluster) -> str:
    await forget_everything(cluster.redis.url)
    return cluster.redis.url


async def forget_everything(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url)
    await client.flushall()
    await client.aclose()


async def fetch(urls: DatabaseUrls, statement: str) -> list[Any]:
    """Through a connection of its own: the server may have been another a moment ago."""
    connection = await asyncpg.connect(urls.owner_url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def nothing_is_left(urls: DatabaseUrls, within_s: float = 60.0) -> None:
    async def done() -> bool:
        left = await fetch(
            urls, "select id from inbox union all select id from outbox where status = 'queued'"
        )
        return not left

    await until(done, "everything to be answered and sent", within_s)


async def test_postgres_restarts_and_crashes_while_people_talk(
    cluster: OwnCluster, database: DatabaseUrls, fleet: Fleet, outside: Outside, http: ClientSession
) -> None:
    """`count` numbers what it hears: nothing may be missing, doubled or out of order anywhere."""
    running = await fleet.start(lease_s=2.0)
    visitors = [await Visitor.enter(http, running.url) for _ in range(20)]
    writers = [Correspondent(http, running.url, f"writer {n}", "thread") for n in range(10)]
    words = ["count", *(f"word {n}" for n in range(12))]
    taken = 0
    more = asyncio.Condition()

    async def one_more() -> None:
        nonlocal taken
        async with more:
            taken += 1
            more.notify_all()

    async def talk(visitor: Visitor) -> None:
        for word in words:
            await visitor.answer(await visitor.insist(word))
            await one_more()

    async def write(writer: Correspondent) -> None:
        for word in words:
            await writer.insist(word)
            await one_more()

    async def restart_now_and_then() -> None:
        for count, end in (
            (60, cluster.postgres.stop),
            (160, cluster.crash_postgres),
            (260, cluster.postgres.stop),
        ):
            async with more:
                await more.wait_for(lambda count=count: taken >= count)  # type: ignore[misc]
            try:
                await end()
            finally:
                await cluster.postgres.start()

    async with asyncio.TaskGroup() as group:
        group.create_task(restart_now_and_then())
        for visitor in visitors:
            group.create_task(talk(visitor))
        for writer in writers:
            group.create_task(write(writer))
    await nothing_is_left(database)

    answers = [f"{n}: {word}" for n, word in enumerate(["nothing", *words[1:]])]
    for visitor in visitors:
        transcript = await visitor.transcript()
        assert [text for sender, text in transcript if sender == "user"] == words
        assert [text for sender, text in transcript if sender == "bot"] == answers
    for writer in writers:
        heard = [each["content"] for each in outside.delivered if each["address"] == writer.name]
        assert heard == answers
    assert not await fetch(database, "select id from outbox where possible_duplicate")


async def test_a_reply_that_was_sent_while_postgres_went_away_is_not_sent_again(
    cluster: OwnCluster, database: DatabaseUrls, fleet: Fleet, outside: Outside, http: ClientSession
) -> None:
    running = await fleet.start(points=["sent"])
    hold = outside.hold("sent")
    ada = Correspondent(http, running.url, "ada")
    await ada.insist("hello")
    await hold.reached()
    await cluster.postgres.stop()
    hold.let_go()
    await until(lambda: unready(http, running.url), "the process to notice")
    await cluster.postgres.start()
    await nothing_is_left(database)
    assert [each["content"] for each in outside.delivered] == ["You said hello"]
    assert not await fetch(database, "select id from outbox where possible_duplicate")


async def unready(http: ClientSession, url: str) -> bool:
    async with http.get(f"{url}/readyz") as answer:
        return answer.status == 503


async def ready(http: ClientSession, url: str) -> bool:
    return not await unready(http, url)


async def test_while_postgres_is_away_messages_are_refused_with_503_and_taken_later(
    cluster: OwnCluster, fleet: Fleet, http: ClientSession
) -> None:
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)
    await cluster.postgres.stop()
    try:
        message = {"id": "m1", "text": "hello"}
        url = f"{running.url}/web/v1/messages"
        async with http.post(url, json=message, headers=visitor.headers) as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert (await answer.json())["error"]["code"] == "unavailable"
        async with http.get(f"{running.url}/readyz") as answer:
            assert answer.status == 503
            state = await answer.json()
            assert state["redis"] == "ok"
            assert state["postgres"] != "ok"
        async with http.get(f"{running.url}/healthz") as answer:
            assert answer.status == 200
    finally:
        await cluster.postgres.start()
    assert await visitor.answer(await visitor.insist("hello", "m1")) == ["You said hello"]
    assert await ready(http, running.url)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside others"])
async def test_without_redis_the_chat_goes_on_and_codes_and_tickets_fail_closed(
    cluster: OwnCluster, fleet: Fleet, outside: Outside, http: ClientSession, alone: bool
) -> None:
    running = await fleet.start(alone=alone)
    visitor = await Visitor.enter(http, running.url)
    assert await visitor.say("before") == ["You said before"]
    await cluster.redis.stop()
    try:
        assert await visitor.say("hello") == ["You said hello"]
        assert await visitor.say("count") == ["0: nothing"]
        assert await visitor.say("one") == ["1: one"]
        assert await visitor.say("cancel") == ["All right, I have stopped that."]
        down, branch = await visitor.say("vault")
        assert down == "I cannot check codes just now. Please try again in a few minutes."
        assert branch == "The vault stays shut."
        status, refusal = await visitor.call("POST", "tickets")
        assert (status, refusal["error"]["code"]) == (503, "unavailable")
        async with http.get(f"{running.url}/readyz") as answer:
            assert answer.status == 200
            assert (await answer.json())["redis"] != "ok"
        assert outside.delivered == []
    finally:
        await cluster.redis.start()
    assert (await visitor.say("vault"))[0].startswith("I have sent a code")
    await visitor.ticket()
    [sent] = await outside.arrived(1)
    assert await visitor.say(CODE.findall(sent["content"])[0]) == ["The vault is open."]


async def test_a_code_whose_redis_went_or_forgot_opens_nothing(
    cluster: OwnCluster, fleet: Fleet, outside: Outside, http: ClientSession
) -> None:
    running = await fleet.start()
    visitor = await Visitor.enter(http, running.url)
    await visitor.say("vault")
    [first] = await outside.arrived(1)
    [code] = CODE.findall(first["content"])
    await cluster.redis.stop()
    try:
        assert await visitor.say(code) == [
            "I cannot check codes just now. Please try again in a few minutes."
        ]
    finally:
        await cluster.redis.start()
    [said] = await visitor.say(code)
    assert said.startswith("That code has expired. I have sent a new code")
    second = (await outside.arrived(2))[1]
    await forget_everything(cluster.redis.url)
    [said] = await visitor.say(CODE.findall(second["content"])[0])
    assert said.startswith("That code has expired. I have sent a new code")
    third = (await outside.arrived(3))[2]
    assert await visitor.say(CODE.findall(third["content"])[0]) == ["The vault is open."]


def environment(urls: DatabaseUrls, redis_url: str, outside_url: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "DATABASE_URL": urls.runtime_url,
        "REDIS_URL": redis_url,
        "PARLEY_SECRET_KEY": b64encode(ROOT).decode(),
        "PARLEY_BOTS_DIR": str(BOTS),
        "PARLEY_LOG_FORMAT": "json",
        "OUTSIDE_URL": outside_url,
        "PORT": str(port),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def parley(folder: Path, env: dict[str, str]) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The real command, in a folder of its own."""
    with (folder / "parley.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], cwd=folder, env=env, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


async def test_sigterm_lets_the_turn_under_way_end_and_takes_no_more(
    database: DatabaseUrls,
    redis_url: str,
    acme: object,
    outside: Outside,
    http: ClientSession,
    tmp_path: Path,
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"

    async def serving() -> bool:
        try:
            return await ready(http, url)
        except ClientError:
            return False

    async def refusing() -> bool:
        return not await serving()

    async with parley(tmp_path, environment(database, redis_url, outside.url, port)) as process:
        await until(serving, "the server")
        visitor = await Visitor.enter(http, url)
        hold = outside.hold("call:ring")
        await visitor.send("visit", "visit")
        await hold.reached()
        process.terminate()
        await until(refusing, "the server to stop listening")
        assert process.poll() is None
        hold.let_go()
        assert await asyncio.to_thread(process.wait, 25) == 0
    said = await fetch(database, "select content from messages where sender_type = 'bot'")
    assert [row["content"] for row in said] == ["Rang: ring-1"]
    assert await fetch(database, "select id from inbox") == []
    assert len(outside.keys("ring")) == 1
    assert "Traceback" not in (tmp_path / "parley.log").read_text()


async def test_postgres_down_at_the_start_is_one_line_that_says_what_to_do(
    cluster: OwnCluster, database: DatabaseUrls, redis_url: str, tmp_path: Path
) -> None:
    await cluster.postgres.stop()
    try:
        async with parley(tmp_path, environment(database, redis_url, "", free_port())) as process:
            assert await asyncio.to_thread(process.wait, 30) == 1
    finally:
        await cluster.postgres.start()
    [line] = (tmp_path / "parley.log").read_text().splitlines()
    assert "DATABASE_URL" in line
