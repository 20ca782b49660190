"""Money for models: reserved at the worst case before a call, settled at what it came to.

A window is what a scope (`tenant`, `user:<id>`, `session:<id>`) spends in a period (`2026-11-20`, `2026-11`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self
from uuid import UUID

from storage.clock import Clock
from storage.database import Database
from storage.errors import Invalid
from storage.ids import uuid7
from storage.statements import Statements

# Longer than any call may take.
RESERVED_FOR = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Cap:
    """A window and how many dollars it may hold, reserved and spent; `limit` None counts without limiting."""

    scope: str
    period: str
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SpendCaps:
    """How many dollars a tenant's models may cost in a day and in a month, by UTC; None is no cap."""

    day: Decimal | None = None
    month: Decimal | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Those of a tenant's settings `spend_cap_usd_day` and `spend_cap_usd_month`. Raises Invalid."""
        return cls(_dollars(settings, "spend_cap_usd_day"), _dollars(settings, "spend_cap_usd_month"))

    def windows(self, now: datetime) -> list[Cap]:
        """The windows that a call at this time counts in."""
        today = now.astimezone(UTC).date().isoformat()
        return [Cap("tenant", today, self.day), Cap("tenant", today[:7], self.month)]


NO_CAPS = SpendCaps()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a window holds, in dollars."""

    reserved: Decimal = Decimal(0)
    settled: Decimal = Decimal(0)


class _NoRoom(Exception):
    """Rolls back what other windows had room for."""


class Spend:
    """The tenants' spending on models. Every method may raise Unavailable: then nothing may be spent."""

    def __init__(self, database: Database, clock: Clock, *, reserved_for: timedelta = RESERVED_FOR) -> None:
        self._database = database
        self._clock = clock
        self._reserved_for = reserved_for
        self._sql = Statements("spend")

    async def reserve(
        self, tenant_id: UUID, call_id: UUID, amount: Decimal, caps: Sequence[Cap]
    ) -> Sequence[UUID] | None:
        """Reserve `amount` in all windows or in none; the reservations' ids, None when a cap leaves no room."""
        now = self._clock()
        try:
            async with self._database.tenant(tenant_id) as connection:
                rows = await connection.fetch(
                    self._sql.reserve,
                    tenant_id,
                    [uuid7() for _ in caps],
                    [cap.scope for cap in caps],
                    [cap.period for cap in caps],
                    [cap.limit for cap in caps],
                    amount,
                    call_id,
                    now,
                    now + self._reserved_for,
                )
                if len(rows) < len(caps):
                    raise _NoRoom
        except _NoRoom:
            return None
        return [row["id"] for row in rows]

    async def settle(self, tenant_id: UUID, call_id: UUID, actual: Decimal | None) -> int:
        """Settle a call's reservations at what it cost, or at the worst case when nobody knows (None).

        Returns how many were open.
        """
        async with self._database.tenant(tenant_id) as connection:
            count: int = await connection.fetchval(
                self._sql.settle, tenant_id, call_id, actual, self._clock()
            )
        return count

    async def expire(self, tenant_id: UUID) -> int:
        """Settle at the worst case what was reserved and not settled in time; returns how many."""
        async with self._database.tenant(tenant_id) as connection:
            count: int = await connection.fetchval(self._sql.expire, tenant_id, self._clock())
        return count

    async def spent(self, tenant_id: UUID, scope: str, period: str) -> Spent:
        """What a window holds."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.spent, tenant_id, scope, period)
        return Spent() if row is None else Spent(row["reserved"], row["settled"])


def _dollars(settings: Mapping[str, Any], name: str) -> Decimal | None:
    value = settings.get(name)
    if value is None:
        return None
    try:
        dollars = Decimal(str(value))
    except InvalidOperation:
        dollars = Decimal(-1)
    # A cap that cannot be read must not count as none.
    if not dollars.is_finite() or dollars < 0 or isinstance(value, bool):
        raise Invalid(f"the tenant's setting {name} is no amount of dollars: write a number such as 2.50")
    return dollars
