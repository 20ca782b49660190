"""The emulator with slack_sdk's own client on one side and a plain app on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import Any

import pytest
from slack_end import Seconds, SlackEnd
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.emulators.slack.person import Person
from bot.emulators.slack.records import EVENTS, SCOPES
from bot.emulators.slack.server import SlackEmulator


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def end() -> AsyncIterator[SlackEnd]:
    async with SlackEnd() as end:
        yield end


@pytest.fixture
async def slack(end: SlackEnd, seconds: Seconds) -> AsyncIterator[SlackEmulator]:
    async with SlackEmulator(
        app_url=end.url, clock=seconds, ack_within=0.2, retry_after=(0.0, 0.01, 0.02)
    ) as slack:
        # Everything that can be asked for, not only what our own app does.
        slack.configure(scopes=SCOPES, events=EVENTS)
        slack.installation = slack.install(slack.app, slack.workspace)
        yield slack


@pytest.fixture
def client_of(slack: SlackEmulator) -> Callable[[str], AsyncWebClient]:
    def make(token: str) -> AsyncWebClient:
        # Without its retries: a test counts what comes in.
        return AsyncWebClient(token=token, base_url=slack.api_url, retry_handlers=[])

    return make


@pytest.fixture
def client(slack: SlackEmulator, client_of: Callable[[str], AsyncWebClient]) -> AsyncWebClient:
    return client_of(slack.bot_token)


@pytest.fixture
def ada(slack: SlackEmulator) -> Person:
    return slack.person("Ada")


@pytest.fixture
def ben(slack: SlackEmulator) -> Person:
    return slack.person("Ben")


class Refusal:
    """What was refused, once the block is over."""

    error: str = ""
    response: Any = None


@pytest.fixture
def refused() -> Callable[[str], Any]:
    """`with refused("channel_not_found") as refusal:` – the call in it fails with this error."""

    @contextmanager
    def expect(error: str) -> Any:
        refusal = Refusal()
        with pytest.raises(SlackApiError) as caught:
            yield refusal
        refusal.response = caught.value.response
        assert refusal.response["error"] == error

    return expect
