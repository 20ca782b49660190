from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from storage.errors import Unavailable
from storage.redis import connect, key, reachable

TENANT = UUID("01890000-0000-7000-8000-000000000001")


def test_a_key_has_its_kind_its_tenant_and_what_it_is_of():
    assert key("rate_limit", TENANT, "ip", "10.0.0.1") == f"rate_limit:{{{TENANT}}}:ip:10.0.0.1"


def test_no_two_lists_of_parts_give_the_same_key():
    assert key("otp", TENANT, "a:b", "c") != key("otp", TENANT, "a", "b:c")
    assert key("otp", TENANT, "a%3Ab") != key("otp", TENANT, "a:b")
    assert key("otp", TENANT, "a") != key("otp", uuid4(), "a")


async def test_a_redis_that_is_not_there_is_unavailable(no_redis):
    with pytest.raises(Unavailable, match="REDIS_URL"), reachable():
        await no_redis.ping()


async def test_a_redis_that_does_not_answer_is_unavailable_soon(tmp_path):
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / "silent.sock")
    client = connect(f"unix://{tmp_path}/silent.sock", timeout=0.1)
    async with server, asyncio.timeout(5):
        with pytest.raises(Unavailable), reachable():
            await client.ping()
        await client.aclose()


async def test_a_full_redis_is_unavailable(redis):
    memory = (await redis.info("memory"))["used_memory"]
    before = (await redis.config_get("maxmemory"))["maxmemory"]
    policy = (await redis.config_get("maxmemory-policy"))["maxmemory-policy"]
    await redis.config_set("maxmemory-policy", "noeviction")
    await redis.config_set("maxmemory", str(memory // 2))
    try:
        with pytest.raises(Unavailable), reachable():
            await redis.set("x", "y")
    finally:
        await redis.config_set("maxmemory", before)
        await redis.config_set("maxmemory-policy", policy)


async def test_a_command_whose_answer_was_lost_is_not_sent_again(tmp_path):
    received = []

    async def cut(reader, writer):
        while line := (await reader.readline()).strip():
            received.append(line)
            match line:
                case b"PING":
                    writer.write(b"+PONG\r\n")
                case b"CLIENT":
                    writer.write(b"+OK\r\n")
                case b"INCRBY":
                    break
        writer.close()

    server = await asyncio.start_unix_server(cut, tmp_path / "cut.sock")
    client = connect(f"unix://{tmp_path}/cut.sock?protocol=2", timeout=1)
    async with server:
        with pytest.raises(Unavailable), reachable():
            await client.incr("counter")
        await client.aclose()
    assert received.count(b"INCRBY") == 1
