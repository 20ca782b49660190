"""Operators' tokens: shown once, kept as digests, good until they end, and good in one tenant only."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from storage.database import Database
from storage.errors import Conflict, Invalid, NotFound, Unavailable
from storage.ids import uuid7
from storage.operators import Operators, Role


@pytest.fixture
async def tenants(room):
    """Two tenants' ids."""
    return [(await room.tenants.create(slug)).id for slug in ("acme", "beta")]


@pytest.fixture
def operators(room, clock):
    return Operators(room.database, clock)


async def test_a_token_names_its_operator(operators, tenants):
    made = await operators.create(tenants[0], "ada", Role.AGENT)
    assert re.fullmatch(r"parley_[0-9a-f]{32}_[A-Za-z0-9_-]{43}", made.token)
    found = await operators.verify(made.token)
    assert (found.tenant_id, found.name, found.role) == (tenants[0], "ada", Role.AGENT)
    assert made.token not in repr(made)


async def test_the_token_itself_is_kept_nowhere(operators, tenants, owner):
    made = await operators.create(tenants[0], "ada", Role.AGENT)
    row = await owner.fetchval("select operators::text from operators")
    assert made.token.rpartition("_")[2] not in row
    assert made.token.encode().hex() not in row


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"),
        lambda token: token.upper(),
        lambda token: token + "\n",
        lambda token: token + "\0",
        lambda token: "parley_" + uuid7().hex + token[39:],
        lambda token: token.replace("parley_", "parley-"),
        lambda token: "\ud800" * len(token),
    ],
)
async def test_what_is_not_exactly_the_token_opens_nothing(operators, tenants, spoil):
    made = await operators.create(tenants[0], "ada", Role.AGENT)
    assert await operators.verify(spoil(made.token)) is None


async def test_a_token_opens_nothing_in_another_tenant(operators, tenants):
    ours, theirs = [await operators.create(each, "ada", Role.ADMIN) for each in tenants]
    swapped = ours.token[:39] + theirs.token[39:]
    assert await operators.verify(swapped) is None
    assert (await operators.verify(theirs.token)).tenant_id == tenants[1]
    with pytest.raises(NotFound):
        await Operators(operators._database, operators._clock).load(uuid7(), "ada")


async def test_a_token_ends_at_its_time(operators, tenants, clock):
    made = await operators.create(tenants[0], "ada", Role.AGENT, life=timedelta(days=1))
    clock.advance(timedelta(hours=23, minutes=59))
    assert await operators.verify(made.token) is not None
    clock.advance(timedelta(minutes=1))
    assert await operators.verify(made.token) is None


async def test_a_revoked_token_opens_nothing_from_that_moment_on_in_any_process(
    operators, tenants, clock, room
):
    elsewhere = Operators(room.database, clock)
    made = await operators.create(tenants[0], "ada", Role.AGENT)
    assert await elsewhere.verify(made.token) is not None
    first = (await operators.revoke(tenants[0], "ada")).revoked_at
    assert await elsewhere.verify(made.token) is None
    clock.advance(timedelta(hours=1))
    assert (await operators.revoke(tenants[0], "ada")).revoked_at == first


async def test_a_name_is_taken_while_its_token_is_good_and_gets_a_new_one_after(operators, tenants, clock):
    first = await operators.create(tenants[0], "ada", Role.AGENT)
    with pytest.raises(Conflict, match="'ada' already"):
        await operators.create(tenants[0], "ada", Role.ADMIN)
    assert (await operators.verify(first.token)).role is Role.AGENT
    await operators.revoke(tenants[0], "ada")
    second = await operators.create(tenants[0], "ada", Role.VIEWER, life=timedelta(days=1))
    assert second.operator.id == first.operator.id
    assert await operators.verify(first.token) is None
    clock.advance(timedelta(days=1))
    third = await operators.create(tenants[0], "ada", Role.ADMIN)
    assert (await operators.verify(third.token)).role is Role.ADMIN


async def test_of_many_at_the_same_time_one_gets_the_name(operators, tenants):
    made = await asyncio.gather(
        *(operators.create(tenants[0], "ada", Role.AGENT) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(each, Conflict) for each in made) == 7
    [won] = [each for each in made if not isinstance(each, Conflict)]
    assert (await operators.verify(won.token)).name == "ada"


@pytest.mark.parametrize(
    "name", ["", "console", "Ada", "a b", "-a", "a-", "a" * 65, "é", "a\n", "a\0", "\ud800", "a/b"]
)
async def test_what_is_no_name_is_refused_and_not_found(operators, tenants, name):
    with pytest.raises(Invalid, match="no operator's name"):
        await operators.create(tenants[0], name, Role.AGENT)
    for call in (operators.load, operators.revoke):
        with pytest.raises(NotFound, match="parley operator list"):
            await call(tenants[0], name)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=-1), timedelta(days=3661)])
async def test_a_token_lasts_for_a_time_that_makes_sense(operators, tenants, life):
    with pytest.raises(Invalid, match="lasts from 1 to 3660 days"):
        await operators.create(tenants[0], "ada", Role.AGENT, life=life)


async def test_there_are_no_operators_of_no_tenant(operators):
    with pytest.raises(NotFound, match="no tenant"):
        await operators.create(uuid7(), "ada", Role.AGENT)


async def test_the_last_use_is_written_at_most_once_a_minute(operators, tenants, clock):
    token = (await operators.create(tenants[0], "ada", Role.AGENT)).token
    assert (await operators.load(tenants[0], "ada")).last_used_at is None
    seen = []
    for seconds in (0, 59, 1, 30):
        clock.advance(timedelta(seconds=seconds))
        await operators.verify(token)
        seen.append((await operators.load(tenants[0], "ada")).last_used_at)
    assert seen[0] == seen[1] < seen[2] == seen[3] == clock() - timedelta(seconds=30)


async def test_many_calls_at_once_are_all_let_in(operators, tenants):
    token = (await operators.create(tenants[0], "ada", Role.AGENT)).token
    assert all(await asyncio.gather(*(operators.verify(token) for _ in range(30))))


async def test_ones_own_operators_are_listed_by_name(operators, tenants):
    for tenant_id, names in zip(tenants, (("zoe", "ada"), ("bob",)), strict=True):
        for name in names:
            await operators.create(tenant_id, name, Role.AGENT)
    await operators.revoke(tenants[0], "zoe")
    listed = await operators.list_all(tenants[0])
    assert [(each.name, each.revoked_at is None) for each in listed] == [("ada", True), ("zoe", False)]
    assert [each.name for each in await operators.list_all(tenants[1])] == ["bob"]


def test_each_role_may_do_what_the_one_before_may():
    assert [[role.may(needed) for needed in Role] for role in Role] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


async def test_without_postgres_nobody_is_let_in(operators, tenants, database, clock):
    token = (await operators.create(tenants[0], "ada", Role.AGENT)).token
    away = await Database.open(database.runtime_url, database.dispatch_url)
    await away.close()
    with pytest.raises(Unavailable):
        await Operators(away, clock).verify(token)


async def test_with_the_conditions_on_the_tenant_taken_out_the_policies_alone_keep_tokens_apart(
    operators, tenants, owner
):
    ours, theirs = [await operators.create(each, "ada", Role.ADMIN) for each in tenants]
    source = await owner.fetchval("select pg_get_functiondef('verify_operator'::regproc)")
    loose, count = re.subn(r"\btenant_id = p_tenant\b", "true", source)
    assert count == 2
    await owner.execute(loose)
    assert await operators.verify(ours.token[:39] + theirs.token[39:]) is None
    assert (await operators.verify(ours.token)).tenant_id == tenants[0]
    rows = await owner.fetch("select tenant_id, last_used_at is not null as used from operators")
    assert {row["tenant_id"]: row["used"] for row in rows} == {tenants[0]: True, tenants[1]: False}
