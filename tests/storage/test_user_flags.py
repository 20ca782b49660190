"""What flows remember of a user: written by the commit that ends a turn, read by the next."""

from __future__ import annotations

import pytest
from turn_stores import MODES, outcome
from turn_stores import bench as open_bench

from storage.errors import LeaseLost
from storage.outcomes import Flag
from storage.user_flags import UserFlags


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


async def flags_of(bench, turn):
    flags = UserFlags(bench.database, bench.vault)
    return await flags.read(turn.session.tenant_id, turn.session.user_id)


async def test_a_commit_writes_changes_and_forgets_flags(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "ok", flags=(Flag("tea", "green"), Flag("visits", 1), Flag("off", False)))
    assert await flags_of(bench, turn) == {
        "tea": Flag("tea", "green"),
        "visits": Flag("visits", 1),
        "off": Flag("off", False),
    }
    turn = await bench.claimed()
    await bench.commit(turn, "ok", flags=(Flag("tea", None), Flag("visits", {"n": 2}), Flag("new", None)))
    assert await flags_of(bench, turn) == {"visits": Flag("visits", {"n": 2}), "off": Flag("off", False)}


async def test_a_user_keeps_them_in_another_session_and_others_do_not_see_them(bench):
    ada = await bench.claimed(user="ada")
    await bench.commit(ada, "ok", flags=(Flag("tea", "green"),))
    elsewhere = await bench.claimed(user="ada", thread_key="elsewhere")
    assert elsewhere.session.id != ada.session.id
    assert (await flags_of(bench, elsewhere))["tea"].value == "green"
    assert await flags_of(bench, await bench.claimed(user="eve")) == {}


async def test_a_sensitive_flag_is_sealed_with_its_users_key(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "ok", flags=(Flag("iban", "DE02 1203", sensitive=True), Flag("tea", "green")))
    row = await bench.eyes.fetchrow("select value, sealed from user_flags where name = 'iban'")
    assert row["value"] is None
    assert b"1203" not in row["sealed"]
    assert (await flags_of(bench, turn))["iban"] == Flag("iban", "DE02 1203", sensitive=True)


async def test_a_sealed_flag_that_was_moved_to_another_name_is_as_none(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "ok", flags=(Flag("iban", "DE02", sensitive=True), Flag("tea", "green")))
    await bench.owner.execute("update user_flags set name = 'pin' where name = 'iban'")
    assert set(await flags_of(bench, turn)) == {"tea"}


async def test_a_lost_turn_writes_no_flag_and_no_verdict(bench):
    turn = await bench.claimed()
    await bench.commit(turn, "ok")
    stale = await bench.claimed()
    await bench.owner.execute("update sessions set lease_token = lease_token + 1")
    with pytest.raises(LeaseLost):
        await bench.commit(stale, "late", flags=(Flag("tea", "green"),), resolved=True)
    assert await flags_of(bench, turn) == {}
    assert await bench.eyes.fetchval("select count(*) from sessions where resolved is not null") == 0


async def test_the_last_word_on_whether_it_is_resolved_stays_until_another(bench):
    async def resolved(turn):
        return await bench.eyes.fetchval("select resolved from sessions where id = $1", turn.session.id)

    turn = await bench.claimed()
    await bench.commit(turn, "ok")
    assert await resolved(turn) is None
    for said, kept in ((False, False), (None, False), (True, True)):
        await bench.store.commit(await bench.claimed(), outcome("ok", resolved=said), claim_next=False)
        assert await resolved(turn) is kept
