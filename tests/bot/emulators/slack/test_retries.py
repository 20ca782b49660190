"""An event that is not taken comes again."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from bot.emulators.slack.notices import Attempt
from bot.emulators.slack.server import SlackEmulator


async def attempts(slack) -> list[Attempt]:
    await slack.idle()
    return slack.deliveries[-1].attempts


async def test_an_error_is_retried_and_says_why(slack, end, ada):
    end.answers.extend([500, 404])
    ada.writes("Hello")
    tried = await attempts(slack)
    assert [(each.number, each.reason, each.failure) for each in tried] == [
        (0, None, "http_error"),
        (1, "http_error", "http_error"),
        (2, "http_error", None),
    ]
    assert [each.headers.get("X-Slack-Retry-Num") for each in end.received] == [None, "1", "2"]
    assert end.received[1].headers["X-Slack-Retry-Reason"] == "http_error"
    assert len({each.payload["event_id"] for each in end.received}) == 1
    assert all(each.is_signed_with(slack.app.signing_secret) for each in end.received)


async def test_after_three_retries_it_is_given_up(slack, end, ada):
    end.answers.extend([500] * 10)
    ada.writes("Hello")
    assert len(await attempts(slack)) == 4
    assert slack.deliveries[-1].answer.failure == "http_error"


async def test_a_slow_answer_is_retried_while_the_first_still_runs(slack, end, ada):
    working = asyncio.Event()
    end.answers.append(working)
    ada.writes("Hello")
    tried = await attempts(slack)
    assert [each.failure for each in tried] == ["http_timeout", None]
    assert end.received[1].headers["X-Slack-Retry-Reason"] == "http_timeout"
    working.set()


async def test_an_app_may_ask_for_no_retry(slack, end, ada):
    end.answers.append(web.Response(status=500, headers={"x-slack-no-retry": "1"}))
    ada.writes("Hello")
    assert len(await attempts(slack)) == 1


async def test_two_redirects_are_followed_and_no_more(slack, end, ada):
    def to(place: str) -> web.Response:
        return web.Response(status=307, headers={"Location": place})

    end.answers.extend([to("/slack/events"), to("/slack/events"), 200])
    ada.writes("Hello")
    assert len(await attempts(slack)) == 1
    end.answers.extend(to("/slack/events") for _ in range(3))
    ada.writes("Hello again")
    assert [each.failure for each in await attempts(slack)] == ["too_many_redirects", None]


async def test_an_app_that_is_not_there_is_tried_again():
    async with SlackEmulator(app_url="http://127.0.0.1:9", retry_after=(0.0, 0.0, 0.0)) as slack:
        slack.person("Ada").writes("Hello")
        tried = await attempts(slack)
        assert [each.failure for each in tried] == ["connection_failed"] * 4


async def test_an_app_without_a_request_url_hears_nothing():
    async with SlackEmulator() as slack:
        slack.person("Ada").writes("Hello")
        assert [each.failure for each in await attempts(slack)] == ["no_request_url"]


@pytest.mark.parametrize("answer", [500, asyncio.Event])
async def test_interactions_and_commands_are_tried_once(slack, end, client, ada, answer):
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    await client.chat_postMessage(
        channel=ada.dm.id, text="x", blocks=[{"type": "actions", "elements": [button]}]
    )
    await slack.idle()
    before = len(end.received)
    end.answers.append(answer if answer == 500 else answer())
    failure = "http_error" if answer == 500 else "http_timeout"
    assert (await ada.presses(slack.said()[0], "go")).failure == failure
    end.answers.append(answer if answer == 500 else answer())
    assert (await ada.commands("help")).failure == failure
    assert len(end.received) == before + 2
    said = "operation_timeout" if failure == "http_timeout" else "dispatch_failed"
    assert slack.messages[-1].text == f'/parley failed with the error "{said}"'
    assert slack.messages[-1].ephemeral_to == ada.id


async def test_closing_does_not_wait_for_retries(end):
    async with SlackEmulator(app_url=end.url) as slack:
        end.answers.extend([500] * 10)
        slack.person("Ada").writes("Hello")
        await end.arrived(2)
