"""Rate limits, and what goes wrong on request."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from bot.emulators.slack.faults import BadFault, faults_from


@pytest.fixture
def limited(slack):
    slack.limits.enabled = True
    return slack


@pytest.mark.parametrize(
    ("method", "arguments", "allowed"),
    [
        ("apps.uninstall", {}, 1),
        ("chat.startStream", {"channel": "C0EMU00001"}, 20),
        ("conversations.history", {"channel": "C0EMU00001"}, 50),
        ("users.info", {"user": "U0EMU00001"}, 100),
    ],
)
async def test_a_method_is_limited_by_its_tier(limited, client, seconds, refused, method, arguments, allowed):
    async def call() -> int:
        url = f"{limited.api_url}{method}"
        bearer = {"Authorization": f"Bearer {limited.bot_token}"}
        async with http.post(url, json=arguments, headers=bearer) as answer:
            return answer.status

    async with aiohttp.ClientSession() as http:
        statuses = [await call() for _ in range(allowed + 1)]
    assert statuses == [200] * allowed + [429]
    with refused("ratelimited") as refusal:
        await client.api_call(method, json=arguments)
    assert refusal.response.status_code == 429
    assert refusal.response.headers["Retry-After"] == "60"
    seconds.move(60)
    assert limited.calls[-1].status == 429
    async with aiohttp.ClientSession() as http:
        assert await call() == 200


async def test_messages_into_a_channel_come_one_a_second_after_a_burst(
    limited, client, seconds, ada, refused
):
    for _ in range(5):
        await client.chat_postMessage(channel=limited.general.id, text="x")
    with refused("ratelimited") as refusal:
        await client.chat_postMessage(channel=limited.general.id, text="x")
    assert refusal.response.headers["Retry-After"] == "1"
    # Another channel has its own measure.
    await client.chat_postMessage(channel=ada.dm.id, text="x")
    seconds.move(1)
    await client.chat_postMessage(channel=limited.general.id, text="x")
    assert len(limited.said(limited.general)) == 6


async def test_without_limits_anything_goes(slack, client):
    for _ in range(30):
        await client.chat_postMessage(channel=slack.general.id, text="x")


async def test_a_call_is_limited_as_often_as_was_said(slack, client, refused):
    slack.fault("ratelimited", "chat.postMessage", seconds=7, times=2)
    for _ in range(2):
        with refused("ratelimited") as refusal:
            await client.chat_postMessage(channel=slack.general.id, text="x")
        assert (refusal.response.status_code, refusal.response.headers["Retry-After"]) == (429, "7")
    await client.auth_test()
    await client.chat_postMessage(channel=slack.general.id, text="x")
    assert len(slack.said()) == 1


@pytest.mark.parametrize(("kind", "stored"), [("error", 0), ("error_after", 1), ("cut", 0), ("cut_after", 1)])
async def test_a_call_breaks_before_or_after_it_is_done(slack, client, kind, stored):
    slack.fault(kind, "chat.postMessage")
    broken = Exception if kind.startswith("error") else aiohttp.ServerDisconnectedError
    with pytest.raises(broken):
        await client.chat_postMessage(channel=slack.general.id, text="x")
    assert len(slack.said()) == stored
    assert (slack.calls[-1].answer, slack.calls[-1].status) == (None, 500 if "error" in kind else 0)
    await client.chat_postMessage(channel=slack.general.id, text="x")
    assert len(slack.said()) == stored + 1


async def test_a_lost_answer_is_found_by_its_metadata(slack, client):
    slack.fault("cut_after", "chat.postMessage")
    metadata = {"event_type": "reply", "event_payload": {"id": "7"}}
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=slack.general.id, text="x", metadata=metadata)
    found = await client.conversations_history(channel=slack.general.id, include_all_metadata=True)
    assert found["messages"][0]["metadata"]["event_payload"]["id"] == "7"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "revoked"}, "token_revoked"),
        ({"kind": "unknown_method"}, "unknown_method"),
        ({"kind": "refused", "error": "fatal_error"}, "fatal_error"),
    ],
)
async def test_a_call_is_refused_once(slack, client, refused, fault, error):
    slack.fault(fault.pop("kind"), "*", **fault)
    with refused(error):
        await client.auth_test()
    await client.auth_test()


async def test_a_slow_call_is_answered_in_the_end(slack, client):
    slack.fault("slow", "auth.test", seconds=0.05)
    before = asyncio.get_running_loop().time()
    assert (await client.auth_test())["ok"] is True
    assert asyncio.get_running_loop().time() - before >= 0.05


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "a list"),
        ([1], "no object"),
        ([{"fault": "cut"}], "names a method or an event"),
        ([{"fault": "cut", "method": "*", "event": "*"}], "names a method or an event"),
        ([{"fault": "odd", "method": "*"}], "fault is one of"),
        ([{"fault": "cut", "event": "*"}], "fault is one of doubled"),
        ([{"fault": "cut", "method": "*", "times": 0}], "at least 1"),
        ([{"fault": "cut", "method": "*", "times": "x"}], "fault 1"),
        ([{"fault": "cut", "method": "*", "nonsense": 1}], "unknown key 'nonsense'"),
    ],
)
def test_a_fault_that_is_none_is_named(given, said):
    with pytest.raises(BadFault, match=said):
        faults_from(given)


async def test_events_are_doubled(slack, end, ada):
    slack.fault("doubled", event="message")
    ada.writes("Hello")
    await slack.idle()
    one, two = end.events("message")
    assert one.payload["event_id"] == two.payload["event_id"]
    assert "X-Slack-Retry-Num" not in two.headers


async def test_events_are_delayed(slack, end, ada):
    slack.fault("delayed", event="message", seconds=0.1)
    ada.writes("One")
    ada.writes("Two")
    await slack.idle()
    assert [each.event["text"] for each in end.events("message")] == ["Two", "One"]


async def test_events_are_swapped(slack, end, ada):
    slack.fault("swapped", event="message")
    ada.writes("One")
    await slack.idle()
    assert end.received == []
    ada.writes("Two")
    await end.arrived(2)
    assert [each.event["text"] for each in end.events("message")] == ["Two", "One"]


async def test_what_waits_and_what_happened_is_read_over_http(slack, client, ada):
    async with aiohttp.ClientSession(slack.url) as http:
        ada.writes("Hello")
        await slack.idle()
        await client.chat_postMessage(channel=ada.dm.id, text="Hi")
        async with http.get("/emulator/messages", params={"channel": ada.dm.id}) as answer:
            assert [message["text"] for message in await answer.json()] == ["Hello", "Hi"]
        async with http.get("/emulator/messages", params={"channel": slack.general.id}) as answer:
            assert await answer.json() == []
        async with http.get("/emulator/calls") as answer:
            assert (await answer.json())[-1]["method"] == "chat.postMessage"
        async with http.get("/emulator/deliveries") as answer:
            assert (await answer.json())[0]["attempts"][0]["failure"] is None
        faults = [{"fault": "refused", "method": "auth.test", "error": "fatal_error"}]
        async with http.put("/emulator/faults", json=faults) as answer:
            assert await answer.json() == {"faults": 1}
        async with http.get("/emulator/faults") as answer:
            assert (await answer.json())[0]["kind"] == "refused"
        for wrong in ("{", "{}"):
            async with http.put("/emulator/faults", data=wrong) as answer:
                assert answer.status == 400
        async with http.put("/emulator/faults", json=[]) as answer:
            assert await answer.json() == {"faults": 0}
        assert (await client.auth_test())["ok"] is True
