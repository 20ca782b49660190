from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from storage import statements
from storage.errors import Invalid
from storage.llm_calls import LlmCalls, NewCall
from storage.spend import RESERVED_FOR, Cap, Spend, SpendCaps, Spent

DAY, MONTH = "2026-03-02", "2026-03"
CALL = NewCall(None, None, "answer", "anthropic", "claude-haiku-5-5")


def caps(day: str | None, month: str | None = None) -> list[Cap]:
    return SpendCaps(
        None if day is None else Decimal(day), None if month is None else Decimal(month)
    ).windows(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
def spend(room, clock):
    return Spend(room.database, clock)


@pytest.fixture
def begin(room, clock, acme):
    calls = LlmCalls(room.database, clock)
    return lambda: calls.begin(acme, CALL)


async def test_what_is_reserved_counts_at_its_worst_and_then_as_it_was(spend, begin, acme):
    call = await begin()
    assert await spend.reserve(acme, call, Decimal("0.50"), caps("1"))
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal("0.5"), Decimal(0))
    assert await spend.settle(acme, call, Decimal("0.20")) == 2
    for period in (DAY, MONTH):
        assert await spend.spent(acme, "tenant", period) == Spent(Decimal(0), Decimal("0.2"))


async def test_settling_twice_counts_once(spend, begin, acme):
    call = await begin()
    await spend.reserve(acme, call, Decimal("0.50"), caps("1"))
    counts = await asyncio.gather(*(spend.settle(acme, call, Decimal("0.20")) for _ in range(10)))
    assert sorted(counts) == [0] * 9 + [2]
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal(0), Decimal("0.2"))


async def test_what_nobody_knows_counts_at_its_worst(spend, begin, acme):
    call = await begin()
    await spend.reserve(acme, call, Decimal("0.50"), caps("1"))
    await spend.settle(acme, call, None)
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal(0), Decimal("0.5"))


async def test_fifty_at_once_never_overshoot_the_cap(spend, begin, acme):
    calls = [await begin() for _ in range(50)]
    taken = await asyncio.gather(
        *(spend.reserve(acme, call, Decimal("0.10"), caps("1.05", "100")) for call in calls)
    )
    assert sum(reserved is not None for reserved in taken) == 10
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal("1.0"), Decimal(0))
    assert await spend.spent(acme, "tenant", MONTH) == Spent(Decimal("1.0"), Decimal(0))


async def test_fifty_that_reserve_and_settle_at_once_all_add_up(spend, begin, acme):
    calls = [await begin() for _ in range(50)]

    async def work(call):
        assert await spend.reserve(acme, call, Decimal("0.10"), caps("5.00", "5.00"))
        assert await spend.settle(acme, call, Decimal("0.01")) == 2

    await asyncio.gather(*(work(call) for call in calls))
    for period in (DAY, MONTH):
        assert await spend.spent(acme, "tenant", period) == Spent(Decimal(0), Decimal("0.5"))


async def test_a_cap_that_has_no_room_leaves_the_other_windows_as_they_were(spend, begin, acme):
    assert await spend.reserve(acme, await begin(), Decimal("0.50"), caps("10", "0.60"))
    assert await spend.reserve(acme, await begin(), Decimal("0.20"), caps("10", "0.60")) is None
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal("0.5"), Decimal(0))
    assert await spend.reserve(acme, await begin(), Decimal("0.10"), caps("10", "0.60"))


async def test_the_first_of_a_window_is_held_to_the_cap_as_well(spend, begin, acme):
    assert await spend.reserve(acme, await begin(), Decimal("2"), caps("1")) is None
    assert await spend.spent(acme, "tenant", DAY) == Spent()


async def test_without_caps_it_is_counted_only(spend, begin, acme):
    for _ in range(3):
        assert await spend.reserve(acme, await begin(), Decimal("1000"), caps(None))
    assert (await spend.spent(acme, "tenant", MONTH)).reserved == 3000


async def test_what_was_spent_leaves_less_room(spend, begin, acme):
    call = await begin()
    await spend.reserve(acme, call, Decimal("0.90"), caps("1"))
    await spend.settle(acme, call, Decimal("0.80"))
    assert await spend.reserve(acme, await begin(), Decimal("0.30"), caps("1")) is None
    assert await spend.reserve(acme, await begin(), Decimal("0.20"), caps("1"))


async def test_a_reservation_that_nobody_settles_expires_at_its_worst(spend, begin, acme, clock):
    lost, lost_too = await begin(), await begin()
    await spend.reserve(acme, lost, Decimal("0.50"), caps("2"))
    await spend.reserve(acme, lost_too, Decimal("0.25"), caps("2"))
    clock.advance(RESERVED_FOR - timedelta(seconds=1))
    fresh = await begin()
    await spend.reserve(acme, fresh, Decimal("0.10"), caps("2"))
    assert await spend.expire(acme) == 0
    clock.advance(timedelta(seconds=1))
    assert await spend.expire(acme) == 4
    assert await spend.expire(acme) == 0
    for period in (DAY, MONTH):
        assert await spend.spent(acme, "tenant", period) == Spent(Decimal("0.10"), Decimal("0.75"))
    # Its end is known after all, too late to count.
    assert await spend.settle(acme, lost, Decimal("0.01")) == 0
    assert await spend.settle(acme, fresh, Decimal("0.01")) == 2


@pytest.mark.parametrize("by_policies_alone", [False, True])
async def test_another_tenants_money_is_its_own(
    begin, room, acme, clock, by_policies_alone, tmp_path, monkeypatch
):
    if by_policies_alone:
        text = (statements.FOLDER / "spend.sql").read_text()
        loosened = re.sub(r"\b(\w+\.)?tenant_id = \$1(?!\d)", "$1::uuid is not null", text)
        assert loosened != text
        (tmp_path / "spend.sql").write_text(loosened)
        monkeypatch.setattr(statements, "FOLDER", tmp_path)
    spend = Spend(room.database, clock)
    call = await begin()
    await spend.reserve(acme, call, Decimal("1"), caps("1"))
    other = (await room.tenants.create("other")).id
    assert await spend.spent(other, "tenant", DAY) == Spent()
    assert await spend.settle(other, call, Decimal(0)) == 0
    clock.advance(RESERVED_FOR)
    assert await spend.expire(other) == 0
    assert await spend.spent(acme, "tenant", DAY) == Spent(Decimal("1"), Decimal(0))


def test_a_day_and_a_month_are_those_of_utc():
    late = datetime(2026, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert [cap.period for cap in SpendCaps().windows(late)] == ["2027-01-01", "2027-01"]


@pytest.mark.parametrize("value", [2.5, "2.50", Decimal("2.5")])
def test_caps_are_read_from_a_tenants_settings(value):
    assert SpendCaps.of({"spend_cap_usd_day": value, "other": 1}) == SpendCaps(Decimal("2.5"), None)
    assert SpendCaps.of({"spend_cap_usd_month": 0}) == SpendCaps(None, Decimal(0))
    assert SpendCaps.of({}) == SpendCaps()


@pytest.mark.parametrize("value", ["much", "", -1, True, "NaN", "Infinity", [], {}])
def test_a_cap_that_cannot_be_read_is_not_taken_for_none(value):
    with pytest.raises(Invalid, match="spend_cap_usd_day"):
        SpendCaps.of({"spend_cap_usd_day": value})
