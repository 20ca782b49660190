"""The pool: never more connections than allowed, none lost, none used again in a doubtful state."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from storage.database import LOST
from storage.pool import Pool


class Refused(Exception):
    pass


class Opener:
    """Opens connections and remembers them; refuses while `refuses` is set."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.opened: list[asyncpg.Connection] = []
        self.refuses = False

    async def __call__(self) -> asyncpg.Connection:
        if self.refuses:
            raise Refused
        self.opened.append(await asyncpg.connect(self._url))
        return self.opened[-1]


@pytest.fixture
def opener(database):
    return Opener(database.runtime_url)


@pytest.fixture
async def pool(opener):
    pool = Pool(opener, 2, LOST)
    yield pool
    pool.terminate()


async def ask(pool: Pool, statement: str = "select 1") -> int:
    async with pool.acquire() as connection:
        return await connection.fetchval(statement)


async def begun(*tasks: asyncio.Task) -> None:
    """Until the tasks have gone as far as they can without the server."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_one_after_another_share_one_connection(pool, opener):
    assert [await ask(pool) for _ in range(5)] == [1] * 5
    assert len(opener.opened) == 1


async def test_many_at_once_share_what_is_allowed_and_all_are_served(pool, opener):
    assert await asyncio.gather(*(ask(pool) for _ in range(50))) == [1] * 50
    assert len(opener.opened) == 2


async def test_whoever_is_cancelled_while_waiting_takes_no_connection_along(pool, opener):
    async with pool.acquire(), pool.acquire():
        waiting = [asyncio.create_task(ask(pool)) for _ in range(3)]
        await begun(*waiting)
        waiting[0].cancel()
    # The second was handed a connection just now and has not run yet.
    waiting[1].cancel()
    await asyncio.wait(waiting)
    assert waiting[2].result() == 1
    assert await asyncio.gather(*(ask(pool) for _ in range(10))) == [1] * 10
    assert len(opener.opened) == 2


async def test_a_connection_whose_use_was_cancelled_is_not_used_again(pool, opener):
    await ask(pool)
    slow = asyncio.create_task(ask(pool, "select 1 from pg_sleep(60)"))
    await begun(slow)
    slow.cancel()
    await asyncio.wait([slow])
    assert opener.opened[0].is_closed()
    assert await ask(pool) == 1


async def test_a_connection_that_the_server_ended_is_replaced(pool, opener, database):
    await ask(pool)
    ended = asyncio.Event()
    opener.opened[0].add_termination_listener(lambda _: ended.set())
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'parley_runtime'"
        " and datname = current_database()"
    )
    await owner.close()
    await asyncio.wait_for(ended.wait(), 5)
    assert await ask(pool) == 1
    assert len(opener.opened) == 2


async def test_an_open_transaction_is_not_passed_on(pool, opener):
    async with pool.acquire() as connection:
        await connection.execute("begin")
    assert opener.opened[0].is_closed()
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()


async def test_an_error_of_a_statement_costs_no_connection(pool, opener):
    with pytest.raises(asyncpg.DivisionByZeroError):
        await ask(pool, "select 1 / 0")
    assert await ask(pool) == 1
    assert len(opener.opened) == 1


async def test_a_connection_that_cannot_be_opened_lets_the_next_one_try(pool, opener):
    opener.refuses = True
    results = await asyncio.gather(*(ask(pool) for _ in range(5)), return_exceptions=True)
    assert {type(result) for result in results} == {Refused}
    opener.refuses = False
    assert await ask(pool) == 1


async def test_who_waits_for_ever_is_told(pool, monkeypatch):
    monkeypatch.setattr("storage.pool.LONGEST_WAIT_S", 0.01)
    async with pool.acquire(), pool.acquire():
        with pytest.raises(TimeoutError):
            await ask(pool)
    assert await ask(pool) == 1


async def test_closing_waits_for_what_is_under_way_and_refuses_what_comes_after(pool, opener):
    async with pool.acquire() as connection:
        closing = asyncio.create_task(pool.close())
        await begun(closing)
        assert await connection.fetchval("select 1") == 1
    await asyncio.wait_for(closing, 5)
    assert all(each.is_closed() for each in opener.opened)
    with pytest.raises(asyncpg.InterfaceError):
        await ask(pool)
