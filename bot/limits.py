"""How much one person may send: counted in Redis for all processes, in this process while Redis is away."""

from __future__ import annotations

import time

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import Redis

from storage.records import Channel

log = structlog.get_logger("parley.limits")

PER_MINUTE = 60
AWAY_S = 5.0


class MessageLimit:
    """Counts messages by visitor; a channel's setting `messages_per_minute` overrides the default.

    The first quarter of each allowance is counted here, the rest in Redis: people stay below it, so that only
    a flood costs a round trip, and a flood over several processes is stopped all the same.
    """

    def __init__(self, redis: Redis) -> None:
        shared = RedisStorage(
            "redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="rate_limit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # passed on as it is
        )
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0
        self._items: dict[int, tuple[RateLimitItem, RateLimitItem]] = {}

    async def wait_s(self, channel: Channel, external_user_id: str) -> float | None:
        """Count one message; None when it may pass, else the seconds until the next one may."""
        here, rest = self._allowances(int(channel.settings.get("messages_per_minute") or PER_MINUTE))
        place = (str(channel.id), external_user_id)
        if await self._own.hit(here, "first", *place):
            return None
        if time.monotonic() >= self._away_until:
            try:
                return await _hit(self._shared, rest, place)
            except StorageError as error:
                self._away_until = time.monotonic() + AWAY_S
                log.warning("limits_counted_here", error=str(error.storage_error))
        return await _hit(self._own, rest, place)

    def _allowances(self, per_minute: int) -> tuple[RateLimitItem, RateLimitItem]:
        if per_minute not in self._items:
            first = max(1, per_minute // 4)
            self._items[per_minute] = (
                RateLimitItemPerMinute(first),
                RateLimitItemPerMinute(max(1, per_minute - first)),
            )
        return self._items[per_minute]


async def _hit(limiter: FixedWindowRateLimiter, item: RateLimitItem, place: tuple[str, ...]) -> float | None:
    if await limiter.hit(item, *place):
        return None
    stats = await limiter.get_window_stats(item, *place)
    return max(1.0, stats.reset_time - time.time())
