from __future__ import annotations

import asyncio
import base64
from datetime import timedelta
from uuid import uuid4

import pytest

from storage.errors import Unavailable
from storage.tickets import Tickets

TENANT = uuid4()
CLAIMS = {"sub": "visitor", "ch": "channel"}


async def test_a_ticket_is_good_once(redis):
    tickets = Tickets(redis)
    ticket = await tickets.issue(TENANT, CLAIMS)
    found = await asyncio.gather(*(tickets.redeem(ticket) for _ in range(50)))
    assert [claims for claims in found if claims] == [CLAIMS]


async def test_a_ticket_lives_thirty_seconds_and_is_not_stored(redis):
    ticket = await Tickets(redis).issue(TENANT, CLAIMS)
    [place] = [name async for name in redis.scan_iter("ticket:*")]
    assert 29 <= await redis.ttl(place) <= 30
    assert ticket.encode() not in place
    assert base64.urlsafe_b64decode(ticket)[16:].hex().encode() not in place
    await redis.pexpire(place, 0)
    assert await Tickets(redis).redeem(ticket) is None


async def test_a_ticket_of_another_tenant_or_altered_is_none(redis):
    tickets = Tickets(redis)
    ticket = await tickets.issue(TENANT, CLAIMS)
    raw = base64.urlsafe_b64decode(ticket)
    for altered in (uuid4().bytes + raw[16:], raw[:-1] + bytes([raw[-1] ^ 1])):
        assert await tickets.redeem(base64.urlsafe_b64encode(altered).decode()) is None
    assert await tickets.redeem(ticket) == CLAIMS


@pytest.mark.parametrize("ticket", ["", "x", "é" * 64, "\ud800", "A" * 63, "A" * 68, "%" * 64, "A" * 100_000])
async def test_what_is_no_ticket_is_none(redis, ticket):
    assert await Tickets(redis).redeem(ticket) is None


async def test_without_redis_there_are_no_tickets(no_redis):
    with pytest.raises(Unavailable):
        await Tickets(no_redis).issue(TENANT, CLAIMS)
    with pytest.raises(Unavailable):
        await Tickets(no_redis).redeem(base64.urlsafe_b64encode(b"x" * 48).decode())


async def test_a_ticket_for_one_purpose_is_none_for_another_and_is_not_used_up_by_trying(redis):
    ticket = await Tickets(redis, purpose="slack_install", life=timedelta(minutes=10)).issue(TENANT, CLAIMS)
    assert await Tickets(redis).redeem(ticket) is None
    [place] = [name async for name in redis.scan_iter("ticket:*")]
    assert 599 <= await redis.ttl(place) <= 600
    assert await Tickets(redis, purpose="slack_install").redeem(ticket) == CLAIMS
