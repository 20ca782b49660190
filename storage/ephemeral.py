"""Ephemeral slots: a session's short-lived values, in Redis only, gone half an hour after the last write."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import orjson
from redis.asyncio import Redis

from storage.errors import KeyMissing, SealBroken
from storage.records import Json
from storage.redis import key, reachable
from storage.sealing import Sealer

LIFE = timedelta(minutes=30)

_PLAIN = b"p"
_SEALED = b"s"


class EphemeralSlots:
    """Reads and writes `session_state:{session}`. Raises Unavailable when Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def write(
        self, tenant_id: UUID, session_id: UUID, name: str, value: Json, *, sealer: Sealer | None = None
    ) -> None:
        """Keep a slot's value; sealed when a `sealer` is given, which a sensitive slot must have."""
        kept = orjson.dumps(value)
        if sealer is None:
            kept = _PLAIN + kept
        else:
            kept = _SEALED + sealer.seal("session_state", name, session_id, kept)
        place = key("session_state", tenant_id, session_id)
        with reachable():
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(place, name, kept)
                pipe.expire(place, LIFE)
                await pipe.execute()

    async def read(
        self, tenant_id: UUID, session_id: UUID, *, sealer: Sealer | None = None
    ) -> dict[str, Json]:
        """All slots that are still there.

        Raises KeyMissing when one is sealed and no `sealer` is given, and SealBroken when one was altered.
        """
        with reachable():
            kept = await self._redis.hgetall(key("session_state", tenant_id, session_id))
        slots: dict[str, Json] = {}
        for raw, value in kept.items():
            assert isinstance(raw, bytes)
            assert isinstance(value, bytes)
            name = raw.decode()
            slots[name] = _value(name, value, session_id, sealer)
        return slots

    async def forget(self, tenant_id: UUID, session_id: UUID) -> None:
        """Drop a session's slots."""
        with reachable():
            await self._redis.delete(key("session_state", tenant_id, session_id))


def _value(name: str, kept: bytes, session_id: UUID, sealer: Sealer | None) -> Json:
    form, content = kept[:1], kept[1:]
    if form == _SEALED:
        if sealer is None:
            raise KeyMissing(f"the ephemeral slot {name!r} is sealed: read it with the user's sealer")
        content = sealer.open("session_state", name, session_id, content)
    elif form != _PLAIN:
        raise SealBroken(f"the ephemeral slot {name!r} is of no known form")
    value: Json = orjson.loads(content)
    return value
