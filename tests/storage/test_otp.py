from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from storage.errors import Unavailable
from storage.otp import LIFE, SENDS, OneTimeCodes, Purpose, Started, TooMany, Verdict
from storage.redis import connect

PEPPER = b"pepper" * 6
ADDRESS = "+491701234567"


@pytest.fixture
def codes(redis):
    return OneTimeCodes(redis, PEPPER)


@pytest.fixture
def purpose():
    return Purpose(uuid4(), uuid4(), "run-1", "check_balance")


async def started(codes: OneTimeCodes, purpose: Purpose, address: str = ADDRESS) -> str:
    begun = await codes.start(purpose, address)
    assert isinstance(begun, Started)
    return begun.code


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_right_guess_succeeds_once(codes, purpose):
    code = await started(codes, purpose)
    assert len(code) == 6
    assert await codes.check(purpose, code) is Verdict.OK
    assert await codes.check(purpose, code) is Verdict.EXPIRED


async def test_of_200_parallel_right_guesses_one_succeeds(codes, purpose, redis_url):
    code = await started(codes, purpose)
    clients = [connect(redis_url) for _ in range(4)]
    processes = [OneTimeCodes(client, PEPPER) for client in clients]
    verdicts = await asyncio.gather(*(processes[n % 4].check(purpose, code) for n in range(200)))
    assert Counter(verdicts) == {Verdict.OK: 1, Verdict.EXPIRED: 199}
    for client in clients:
        await client.aclose()


async def test_of_200_parallel_wrong_guesses_five_count_and_lock(codes, purpose):
    code = await started(codes, purpose)
    verdicts = await asyncio.gather(*(codes.check(purpose, wrong(code)) for _ in range(200)))
    assert Counter(verdicts) == {Verdict.WRONG: 5, Verdict.LOCKED: 195}
    assert await codes.check(purpose, code) is Verdict.LOCKED


async def test_the_last_allowed_guess_may_be_right(codes, purpose):
    code = await started(codes, purpose)
    for _ in range(4):
        assert await codes.check(purpose, wrong(code)) is Verdict.WRONG
    assert await codes.check(purpose, code) is Verdict.OK


async def test_a_code_is_bound_to_tenant_session_run_and_purpose(codes, purpose):
    code = await started(codes, purpose)
    for other in (
        replace(purpose, tenant_id=uuid4()),
        replace(purpose, session_id=uuid4()),
        replace(purpose, flow_run="run-2"),
        replace(purpose, name="close_account"),
    ):
        assert await codes.check(other, code) is Verdict.EXPIRED
        await started(codes, other, "somebody else")
        assert await codes.check(other, code) is Verdict.WRONG
    assert await codes.check(purpose, code) is Verdict.OK


async def test_a_stored_code_moved_to_another_session_is_wrong_there(codes, purpose, redis):
    code = await started(codes, purpose)
    other = replace(purpose, session_id=uuid4())
    [place] = [name async for name in redis.scan_iter(f"*{purpose.session_id}*")]
    await redis.rename(place, place.replace(str(purpose.session_id).encode(), str(other.session_id).encode()))
    assert await codes.check(other, code) is Verdict.WRONG


async def test_a_new_code_replaces_the_old_and_its_count(codes, purpose):
    first = await started(codes, purpose)
    for _ in range(6):
        await codes.check(purpose, wrong(first))
    second = await started(codes, purpose)
    while second == first:
        second = await started(codes, purpose)
    assert await codes.check(purpose, first) is Verdict.WRONG
    assert await codes.check(purpose, second) is Verdict.OK


async def test_a_code_lives_five_minutes_whatever_is_guessed(codes, purpose, redis):
    code = await started(codes, purpose)
    [place] = [name async for name in redis.scan_iter(f"*{purpose.session_id}*")]
    assert timedelta(minutes=5) == LIFE
    assert 299 <= await redis.ttl(place) <= 300
    await redis.expire(place, 100)
    await codes.check(purpose, wrong(code))
    assert await redis.ttl(place) <= 100
    await redis.pexpire(place, 0)
    assert await codes.check(purpose, code) is Verdict.EXPIRED


async def test_an_address_gets_ten_codes_a_day_from_all_its_sessions(codes, purpose, redis):
    for n in range(SENDS):
        await started(codes, replace(purpose, session_id=uuid4()), f" {ADDRESS} " if n % 2 else ADDRESS)
    refused = await codes.start(purpose, ADDRESS)
    assert isinstance(refused, TooMany)
    assert timedelta(hours=23) < refused.retry_after <= timedelta(days=1)
    assert await codes.check(purpose, "000000") is Verdict.EXPIRED
    await started(codes, purpose, "somebody else")
    await started(codes, replace(purpose, tenant_id=uuid4()))
    # A day after the first, and not before, one more may go.
    [sends] = [
        name
        async for name in redis.scan_iter(f"*{purpose.tenant_id}*sends*")
        if await redis.llen(name) == SENDS
    ]
    oldest = int(await redis.lindex(sends, -1))
    await redis.lset(sends, -1, oldest - 86_390)
    assert isinstance(await codes.start(purpose, ADDRESS), TooMany)
    await redis.lset(sends, -1, oldest - 86_401)
    assert isinstance(await codes.start(purpose, ADDRESS), Started)
    assert isinstance(await codes.start(purpose, ADDRESS), TooMany)
    assert await redis.llen(sends) == SENDS


async def test_of_100_parallel_starts_ten_go_out(codes, purpose):
    begun = await asyncio.gather(*(codes.start(purpose, ADDRESS) for _ in range(100)))
    assert Counter(type(each) for each in begun) == {Started: 10, TooMany: 90}


async def test_a_refused_start_leaves_the_code_that_is_out(codes, purpose):
    code = ""
    for _ in range(SENDS):
        code = await started(codes, purpose)
    assert isinstance(await codes.start(purpose, ADDRESS), TooMany)
    assert await codes.check(purpose, code) is Verdict.OK


async def test_neither_code_nor_address_is_stored(codes, purpose, redis):
    code = await started(codes, purpose)
    stored = b""
    async for name in redis.scan_iter("*"):
        stored += name + (await redis.dump(name))
    assert code.encode() not in stored
    assert ADDRESS.encode() not in stored
    assert ADDRESS[1:].encode() not in stored
    assert code not in repr(await codes.start(purpose, ADDRESS))


async def test_with_another_pepper_the_code_is_wrong(codes, purpose, redis):
    code = await started(codes, purpose)
    assert await OneTimeCodes(redis, b"other" * 7).check(purpose, code) is Verdict.WRONG


async def test_a_guess_is_read_as_a_person_means_it(codes, purpose):
    code = await started(codes, purpose)
    typed = f" {code[:3]}-{code[3:]}".translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    assert await codes.check(purpose, typed) is Verdict.OK


@pytest.mark.parametrize("guess", ["", "\0", "\ud800", "9" * 100_000, "0x10", "١٢٣٤٥٦"])
async def test_a_strange_guess_is_only_wrong(codes, purpose, guess):
    await started(codes, purpose)
    assert await codes.check(purpose, guess) is Verdict.WRONG


async def test_a_script_that_redis_forgot_is_loaded_again(codes, purpose, redis):
    code = await started(codes, purpose)
    await redis.script_flush()
    assert await codes.check(purpose, code) is Verdict.OK


async def test_without_redis_nothing_starts_and_nothing_succeeds(no_redis, purpose):
    codes = OneTimeCodes(no_redis, PEPPER)
    with pytest.raises(Unavailable):
        await codes.start(purpose, ADDRESS)
    with pytest.raises(Unavailable):
        await codes.check(purpose, "123456")


async def test_a_redis_that_was_emptied_lets_nobody_in(codes, purpose, redis):
    code = await started(codes, purpose)
    await redis.flushall()
    assert await codes.check(purpose, code) is Verdict.EXPIRED
