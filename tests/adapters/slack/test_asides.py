"""What is told beside replies goes to Slack, whatever address a payload names."""

from __future__ import annotations

import pytest
from slack_arrivals import Slack

from adapters.errors import PlatformFailed
from adapters.slack.asides import Asides


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://hooks.slack.com/actions/T1/1/abc",
        "https://hooks.slack.com.evil.example/actions",
        "https://evil.example/hooks.slack.com",
        "https://user@hooks.slack.com/actions",
        "https://hooks.slack.com:8443/actions",
        "http://169.254.169.254/latest",
        "https://[",
        "https://slack.com/api/chat.postMessage",
    ],
)
async def test_an_address_that_is_not_slacks_own_is_not_asked(url):
    with pytest.raises(PlatformFailed) as caught:
        await Asides(Slack(), "https://slack.com/api/").whisper(url, "hello")  # type: ignore[arg-type]
    assert caught.value.code == "no_response_url"


async def test_no_more_is_suggested_than_slack_takes(channel):
    slack = Slack()
    prompts = [f"question {n}" for n in range(9)]
    await Asides(slack, "https://slack.com/api/").suggest(channel, "D1", None, "x" * 999, prompts)  # type: ignore[arg-type]
    [(_, given)] = slack.calls
    assert (len(given["prompts"]), len(given["title"]), "thread_ts" in given) == (4, 200, False)
