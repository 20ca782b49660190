from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import uuid4

import pytest

from storage.errors import Unavailable
from storage.link_codes import GUESSES, GUESSES_A_DAY, LIFE, LinkCodes, Miss, Place
from storage.redis import connect
from storage.spelling import ALPHABET, LENGTH, find_code, new_code, spelled

PEPPER = b"pepper" * 6
WRONG = "22222222"


@pytest.fixture
def codes(redis):
    return LinkCodes(redis, PEPPER)


@pytest.fixture
def here():
    return Place(uuid4(), uuid4(), uuid4(), "run/link#0")


@pytest.fixture
def there(here):
    return Place(here.tenant_id, uuid4(), uuid4(), "other-run/link#0")


async def test_a_code_of_one_chat_is_good_once_in_another(codes, here, there):
    code = await codes.start(there)
    assert await codes.redeem(here, code) == there
    assert await codes.redeem(here, code) is Miss.WRONG


async def test_of_100_that_type_a_code_at_once_one_has_it(codes, here, there, redis_url):
    code = await codes.start(there)
    places = [replace(here, user_id=uuid4(), session_id=uuid4()) for _ in range(100)]
    clients = [connect(redis_url) for _ in range(4)]
    processes = [LinkCodes(client, PEPPER) for client in clients]
    found = await asyncio.gather(*(processes[n % 4].redeem(place, code) for n, place in enumerate(places)))
    assert Counter(found) == {there: 1, Miss.WRONG: 99}
    for client in clients:
        await client.aclose()


async def test_of_parallel_wrong_guesses_five_count_and_lock_the_chat(codes, here, there):
    code = await codes.start(there)
    found = await asyncio.gather(*(codes.redeem(here, WRONG) for _ in range(50)))
    assert Counter(found) == {Miss.WRONG: GUESSES, Miss.LOCKED: 50 - GUESSES}
    assert await codes.redeem(here, code) is Miss.LOCKED
    assert await codes.redeem(replace(here, session_id=uuid4()), code) == there


async def test_a_new_code_does_not_forgive_wrong_guesses(codes, here):
    for _ in range(GUESSES):
        await codes.redeem(here, WRONG)
    await codes.start(here)
    assert await codes.redeem(here, WRONG) is Miss.LOCKED


async def test_a_user_has_twenty_wrong_guesses_a_day_in_all_chats(codes, here, there):
    for n in range(GUESSES_A_DAY):
        assert await codes.redeem(replace(here, at=f"run-{n}/link#0"), WRONG) is Miss.WRONG
    code = await codes.start(there)
    assert await codes.redeem(replace(here, at="another"), code) is Miss.LOCKED


async def test_ones_own_code_is_refused_in_every_chat_of_the_user_and_stays_good(codes, here, there):
    code = await codes.start(there)
    assert await codes.redeem(there, code) is Miss.OWN
    assert await codes.redeem(replace(there, session_id=uuid4()), code) is Miss.OWN
    assert await codes.redeem(here, code) == there


async def test_another_tenants_code_is_as_wrong_as_any(codes, here, there):
    code = await codes.start(there)
    assert await codes.redeem(replace(here, tenant_id=uuid4()), code) is Miss.WRONG


async def test_a_new_code_takes_the_place_of_the_earlier_one(codes, here, there):
    first, second = await codes.start(there), await codes.start(there)
    assert await codes.redeem(here, first) is Miss.WRONG
    assert await codes.redeem(here, second) == there


async def test_whoever_redeemed_a_code_has_none_to_be_redeemed_any_more(codes, here, there):
    mine, theirs = await codes.start(here), await codes.start(there)
    assert await codes.redeem(here, theirs) == there
    assert await codes.redeem(there, mine) is Miss.WRONG


async def test_nothing_lasts_and_no_code_is_in_redis(codes, here, there, redis):
    code = await codes.start(there)
    await codes.redeem(here, WRONG)
    keys = [key async for key in redis.scan_iter()]
    for key in keys:
        assert 0 < await redis.ttl(key) <= 24 * 3600
        held = await redis.dump(key)
        assert code.encode() not in held + key
        assert WRONG.encode() not in held + key
    (place,) = [key for key in keys if b":link:" in key]
    assert 0 < await redis.ttl(place) <= LIFE.total_seconds()


async def test_without_redis_there_are_no_codes_and_none_is_right(no_redis, here):
    codes = LinkCodes(no_redis, PEPPER)
    with pytest.raises(Unavailable):
        await codes.start(here)
    with pytest.raises(Unavailable):
        await codes.redeem(here, WRONG)


def test_codes_have_eight_characters_and_a_digit_and_are_found_as_they_are_shown():
    for code in (new_code() for _ in range(200)):
        assert len(code) == LENGTH
        assert set(code) <= set(ALPHABET)
        assert find_code(f"my code is {spelled(code).lower()}.") == code


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("7KQM2XWD", "7KQM2XWD"),
        ("7kqm 2xwd", "7KQM2XWD"),
        ("\uff17kqm-2xwd", "7KQM2XWD"),
        ("continue", None),
        ("whatever 7KQM2XWD", "7KQM2XWD"),
        ("7KQM2XWDX", None),
        ("100001", None),
        ("", None),
    ],
)
def test_a_code_is_found_in_what_was_typed(typed, found):
    assert find_code(typed) == found
