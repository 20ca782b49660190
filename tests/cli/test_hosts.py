"""Databases as hosts give them: older versions, passwords, a single role."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import asyncpg
import pytest
from clocks import MovableClock
from commands import Visitor
from databases import DatabaseUrls
from plain_postgres import PASSWORD, QUOTED, plain_postgres
from turn_stores import bench

from storage.migrate import dispatch_url, head

KEY = "ab" * 32


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="module", params=[16, 18])
def host(request, runner):
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(plain_postgres(request.param)))
    runner.run(stack.aclose())


@pytest.fixture
async def on_host(shell, host, redis_url):
    """The shell of a deployment on an empty database of the host, and that database's name."""
    database = await host.make_database()
    return shell.with_environment(
        DATABASE_URL=host.url("parley_runtime", database),
        DATABASE_OWNER_URL=host.url("postgres", database),
        REDIS_URL=redis_url,
        PARLEY_SECRET_KEY=KEY,
    ), database


def test_it_is_migrated_once_and_serves(on_host):
    shell, _ = on_host
    assert "`parley migrate`" in shell.run("web").said
    first = shell.run("migrate", "--json").json
    assert first == {"revision": head(), "applied": [f"{n:04}" for n in range(1, int(head()) + 1)]}
    assert shell.run("migrate", "--json").json["applied"] == []
    assert shell.run("doctor").code == 0
    with shell.started("run") as run:
        visitor = Visitor.of(run.url())
        assert visitor.say("balance") == "Which account?"
        assert run.stop() == 0


async def test_its_turns_are_kept_in_order_and_repeats_are_none(on_host, host):
    shell, database = on_host
    assert shell.run("migrate").code == 0
    runtime = host.url("parley_runtime", database)
    urls = DatabaseUrls(host.url("postgres", database), runtime, dispatch_url(runtime))
    async with bench("durable", urls, MovableClock()) as at:
        turn = await at.claimed("one", user="ada")
        again = await at.accept("two", "k2", user="ada")
        assert again.turn is None
        committed = await at.commit(turn, "first", "second")
        assert committed.next is not None
        await at.commit(committed.next, "third", flow="f", data={"a": 1})
        transcript = [text for _, _, text in await at.transcript(turn.session.id)]
        assert transcript == ["one", "two", "first", "second", "third"]
        repeated = await at.store.accept(at.inbound("two", "k2", user="ada"), claim=True)
        assert not hasattr(repeated, "turn")


async def test_a_wrong_password_and_an_all_powerful_role_are_refused(on_host, host):
    shell, database = on_host
    assert shell.run("migrate").code == 0
    for role, password, said in (
        ("parley_runtime", "wrong", "Postgres refused the login: password authentication failed"),
        ("postgres", None, "can look past row-level security; use parley_runtime"),
    ):
        url = host.url(role, database, *([password] if password else []))
        for command in ("web", "worker", "clock"):
            done = shell.with_environment(DATABASE_URL=url).run(command)
            assert done.code == 1
            assert said in done.said
            assert QUOTED not in done.err
    done = shell.with_environment(DATABASE_OWNER_URL=host.url("postgres", database, "wrong")).run("migrate")
    assert done.code == 1
    assert "check DATABASE_OWNER_URL" in done.said


async def test_a_single_role_owns_and_runs_everything_and_tenants_stay_apart(shell, host, redis_url):
    async with host.connected() as owner:
        if not await owner.fetchval("select exists (select from pg_roles where rolname = 'app')"):
            await owner.execute(f"create role app login password '{PASSWORD}'")
    database = await host.make_database(owner="app")
    async with host.connected(database) as owner:
        # Another Parley of this host has roles of its own; they have no part here.
        for role in ("parley_runtime", "parley_dispatch"):
            if not await owner.fetchval("select exists (select from pg_roles where rolname = $1)", role):
                await owner.execute(f"create role {role} login password '{PASSWORD}'")
        # What a host's console does; making the extension takes more than owning the database.
        await owner.execute("create extension if not exists vector")
    url = host.url("app", database)
    single = shell.with_environment(
        DATABASE_URL=url, REDIS_URL=redis_url, PARLEY_SECRET_KEY=KEY, PARLEY_SINGLE_ROLE="1"
    )
    assert single.run("migrate").code == 0
    assert "PARLEY_SINGLE_ROLE=1" in single.with_environment(PARLEY_SINGLE_ROLE="0").run("web").said
    doctor = single.run("doctor", "--json")
    assert doctor.code == 0
    assert {finding["check"]: finding["state"] for finding in doctor.json} == {
        "settings": "ok",
        "single role": "warning",
        "postgres": "ok",
        "redis": "ok",
        "runtime": "ok",
        "files": "warning",
    }
    with single.started("run") as run:
        visitor = Visitor.of(run.url())
        assert visitor.say("balance") == "Which account?"
        assert run.stop() == 0
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("select count(*) from messages") == 0
        await connection.execute("select set_config('parley.tenant_id', $1, false)", "0" * 32)
        assert await connection.fetchval("select count(*) from messages") == 0
    finally:
        await connection.close()
