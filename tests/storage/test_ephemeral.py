from __future__ import annotations

from uuid import uuid4

import pytest

from storage.ephemeral import EphemeralSlots
from storage.errors import KeyMissing, SealBroken, Unavailable
from storage.redis import key
from storage.sealing import DataKey, Sealer

TENANT, SESSION = uuid4(), uuid4()
SEALER = Sealer(TENANT, "somebody", [DataKey.of(uuid4(), b"k" * 32)])


async def test_what_is_written_is_read_until_half_an_hour_after_the_last_write(redis):
    slots = EphemeralSlots(redis)
    place = key("session_state", TENANT, SESSION)
    await slots.write(TENANT, SESSION, "amount", 12)
    await redis.expire(place, 60)
    await slots.write(TENANT, SESSION, "who", {"name": "Zoë", "ids": [1, None]})
    assert await slots.read(TENANT, SESSION) == {"amount": 12, "who": {"name": "Zoë", "ids": [1, None]}}
    assert 1790 < await redis.ttl(place) <= 1800


async def test_another_session_or_tenant_reads_nothing(redis):
    slots = EphemeralSlots(redis)
    await slots.write(TENANT, SESSION, "amount", 12)
    assert await slots.read(TENANT, uuid4()) == {}
    assert await slots.read(uuid4(), SESSION) == {}


async def test_a_sealed_slot_opens_with_its_sealer_only(redis):
    slots = EphemeralSlots(redis)
    await slots.write(TENANT, SESSION, "card", "4111 1111", sealer=SEALER)
    assert await slots.read(TENANT, SESSION, sealer=SEALER) == {"card": "4111 1111"}
    assert b"4111" not in await redis.hget(key("session_state", TENANT, SESSION), "card")
    with pytest.raises(KeyMissing):
        await slots.read(TENANT, SESSION)


async def test_a_sealed_slot_moved_to_another_name_does_not_open(redis):
    slots, place = EphemeralSlots(redis), key("session_state", TENANT, SESSION)
    await slots.write(TENANT, SESSION, "card", "4111 1111", sealer=SEALER)
    await redis.hset(place, "name", await redis.hget(place, "card"))
    with pytest.raises(SealBroken):
        await slots.read(TENANT, SESSION, sealer=SEALER)


async def test_what_is_forgotten_is_gone(redis):
    slots = EphemeralSlots(redis)
    await slots.write(TENANT, SESSION, "amount", 12)
    await slots.forget(TENANT, SESSION)
    assert await slots.read(TENANT, SESSION) == {}


async def test_without_redis_it_is_unavailable(no_redis):
    slots = EphemeralSlots(no_redis)
    with pytest.raises(Unavailable):
        await slots.write(TENANT, SESSION, "amount", 12)
    with pytest.raises(Unavailable):
        await slots.read(TENANT, SESSION)
