"""Sweeps that depend on the hour."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from clocks import MovableClock

from bot.clock import daily
from storage.errors import Unavailable


async def test_a_daily_sweep_is_done_once_a_day_for_each_tenant(clock: MovableClock) -> None:
    swept: list[UUID] = []

    async def sweep(tenant_id: UUID) -> int:
        swept.append(tenant_id)
        return 3

    one, other = uuid4(), uuid4()
    when_due = daily(sweep, clock)
    assert [await when_due(one), await when_due(one), await when_due(other)] == [3, 0, 3]
    clock.advance(timedelta(hours=23))
    assert await when_due(one) == 0
    clock.advance(timedelta(hours=1))
    assert await when_due(one) == 3
    assert swept == [one, other, one]


async def test_a_daily_sweep_that_failed_is_done_again_in_the_next_round(clock: MovableClock) -> None:
    tries = 0

    async def sweep(tenant_id: UUID) -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Unavailable("the object store is away")
        return 1

    when_due, tenant_id = daily(sweep, clock), uuid4()
    with pytest.raises(Unavailable):
        await when_due(tenant_id)
    assert await when_due(tenant_id) == 1
