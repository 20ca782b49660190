"""Calls of Slack's methods: how they wait, and how they are made."""

from __future__ import annotations

import asyncio

import pytest
from slack_sending import sending

from adapters.errors import PlatformFailed
from adapters.slack.calling import MOST_SLEEPING, PACED, SlackCalls
from adapters.slack.pacing import Pacer
from bot.emulators.slack.server import SlackEmulator


@pytest.fixture
async def post():
    async with SlackEmulator() as slack, sending(slack) as post:
        yield post


def message(post, text="x"):
    return {"channel": post.slack.general.id, "text": text}


async def test_a_short_wait_is_slept(post):
    for _ in range(3):
        await post.calls.call(post.channel, "chat.postMessage", message(post))
    assert post.watch.slept == [2.0]


async def test_a_longer_wait_is_told_and_whoever_has_a_ticket_comes_into_its_place(post):
    for n in range(4):
        await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=9, ticket=n)
    with pytest.raises(PlatformFailed) as caught:
        await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=1, ticket="mine")
    failed = caught.value
    assert (failed.code, failed.permanent, failed.unsure, failed.retry_after) == (PACED, False, False, 2.0)
    with pytest.raises(PlatformFailed):
        await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=1, ticket="other")
    post.watch.now += 2
    await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=0, ticket="mine")


async def test_a_longer_wait_than_somebody_has_keeps_no_place(post):
    for _ in range(2):
        await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=0)
    for _ in range(20):
        with pytest.raises(PlatformFailed):
            await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=1)
    post.watch.now += 2
    await post.calls.call(post.channel, "chat.postMessage", message(post), wait_s=0)


async def test_not_more_deliveries_sleep_than_leave_room_for_others(post):
    sleeping = asyncio.Event()
    awake = asyncio.Event()

    async def sleep(_: float) -> None:
        sleeping.set()
        await awake.wait()
        post.watch.now += 2

    calls = SlackCalls(
        post.tokens, Pacer(now=post.watch, jitter=lambda: 0.0), api_base_url=post.slack.api_url, sleep=sleep
    )
    rooms = [
        post.slack.add_channel(post.slack.workspace, f"room-{n}", post.slack.installation) for n in range(9)
    ]
    for room in rooms:
        for _ in range(2):
            await calls.call(post.channel, "chat.postMessage", {"channel": room.id, "text": "x"})
    waiting = [
        asyncio.create_task(
            calls.call(post.channel, "chat.postMessage", {"channel": room.id, "text": "y"}, ticket=room.id)
        )
        for room in rooms[:MOST_SLEEPING]
    ]
    await sleeping.wait()
    await asyncio.sleep(0)
    last = {"channel": rooms[-1].id, "text": "y"}
    with pytest.raises(PlatformFailed) as caught:
        await calls.call(post.channel, "chat.postMessage", last, ticket="late")
    assert (caught.value.code, caught.value.retry_after) == (PACED, 2.0)
    awake.set()
    await asyncio.gather(*waiting)


async def test_another_tenant_does_not_wait_for_one_that_has_too_many(post):
    elsewhere = type(post.channel)(post.channel.tenant_id, post.channel.tenant_id, "slack", "A/T", "other")
    post.slack.fault("ratelimited", "users.info", seconds=60)
    with pytest.raises(PlatformFailed):
        await post.calls.call(post.channel, "users.info", {"user": post.slack.person("Ada").id})
    await post.calls.call(elsewhere, "users.info", {"user": post.slack.person("Ada").id}, wait_s=0)
    with pytest.raises(PlatformFailed):
        await post.calls.call(post.channel, "users.info", {"user": post.slack.person("Ada").id})
    assert len([call for call in post.slack.calls if call.method == "users.info"]) == 2


async def test_arguments_reach_slack_as_they_are_and_those_that_are_none_do_not(post):
    text = "Grüße 👋 & <b>"
    await post.calls.call(
        post.channel,
        "chat.postMessage",
        {**message(post, text), "thread_ts": None, "blocks": [], "mrkdwn": False},
    )
    [posted] = post.slack.said()
    assert posted.text == text
    assert "thread_ts" not in post.slack.calls[-1].arguments
    read = await post.calls.call(
        post.channel,
        "conversations.history",
        {"channel": post.slack.general.id, "include_all_metadata": True, "limit": 1},
    )
    assert read["messages"][0]["text"] == text
    assert post.slack.calls[-1].arguments["include_all_metadata"] == "true"


async def test_a_token_without_another_in_its_place_is_an_error(post):
    post.tokens.token = "xoxb-unknown"
    with pytest.raises(PlatformFailed, match="invalid_auth"):
        await post.calls.call(post.channel, "auth.test", {})
    assert post.tokens.refused == [("xoxb-unknown", "invalid_auth")]


async def test_a_second_token_that_is_refused_too_is_asked_about_no_more(post):
    post.tokens.token = "xoxb-one"
    post.tokens.others = {"xoxb-one": "xoxb-two"}
    with pytest.raises(PlatformFailed, match="invalid_auth"):
        await post.calls.call(post.channel, "auth.test", {})
    assert len(post.slack.calls) == 2


async def test_where_a_block_is_wrong_is_told_and_not_what_it_says(post):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "secret " * 1000}}]
    with pytest.raises(PlatformFailed) as caught:
        await post.calls.call(post.channel, "chat.postMessage", {**message(post), "blocks": blocks})
    assert "[json-pointer:/blocks/0/text/text]" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "code", "unsure"),
    [
        ({"kind": "error"}, "http_500", True),
        ({"kind": "cut"}, "unreachable", True),
        ({"kind": "refused", "error": "internal_error"}, "internal_error", True),
        ({"kind": "ratelimited"}, "ratelimited", False),
        ({"kind": "refused", "error": "is_archived"}, "is_archived", False),
    ],
)
async def test_an_error_says_whether_it_may_have_been_done_all_the_same(post, fault, code, unsure):
    post.slack.fault(fault.pop("kind"), "chat.postMessage", **fault)
    with pytest.raises(PlatformFailed) as caught:
        await post.calls.call(post.channel, "chat.postMessage", message(post))
    assert (caught.value.code, caught.value.unsure) == (code, unsure)


async def test_slacks_own_limits_are_never_met(post):
    """By the clock that paces: the emulator counts by the same."""
    async with SlackEmulator(limits=True, clock=lambda: 1_790_000_000 + post.watch.now) as strict:
        calls = SlackCalls(
            post.tokens,
            Pacer(now=post.watch, jitter=lambda: 0.0),
            api_base_url=strict.api_url,
            sleep=post.watch.sleep,
        )
        post.tokens.token = strict.bot_token
        for n in range(60):
            posted = await calls.call(
                post.channel, "chat.postMessage", {"channel": strict.general.id, "text": str(n)}, wait_s=60
            )
            await calls.call(
                post.channel,
                "chat.update",
                {"channel": strict.general.id, "ts": posted["ts"], "text": "x"},
                wait_s=60,
            )
        assert {call.status for call in strict.calls} == {200}
