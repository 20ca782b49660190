"""What is asked of Slack and told to people beside replies. Each is tried once, paced with everything else.

All raise PlatformFailed and Unavailable.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from slack_sdk.webhook.async_client import AsyncWebhookClient

from adapters.errors import PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.parse_places import person_of
from adapters.slack.places import Person
from adapters.slack.untrusted import ident, record
from adapters.slack.web_api import LIMIT_S, answering
from storage.records import Channel

_MOST_PROMPTS = 4
_LONGEST_TITLE = 200
# What happens in the background may wait for its place; somebody waits for a command's answer.
_PATIENT_S = 20.0
_AT_ONCE_S = 0.5


class Asides:
    """`api_base_url` is where Slack's API is: response URLs lead to Slack, or to whoever plays Slack there."""

    def __init__(self, calls: SlackCalls, api_base_url: str) -> None:
        self._calls = calls
        api = urlsplit(api_base_url)
        self._answered = {("https", "hooks.slack.com"), ("https", "hooks.slack-gov.com")}
        if (
            not (api.hostname or "").endswith((".slack.com", ".slack-gov.com"))
            and api.hostname != "slack.com"
        ):
            self._answered.add((api.scheme, api.netloc))

    async def person(self, channel: Channel, user: str) -> Person | None:
        """What Slack knows of a user: https://docs.slack.dev/reference/methods/users.info"""
        given = {"user": user, "include_locale": True}
        answer = await self._calls.call(channel, "users.info", given, wait_s=_PATIENT_S)
        return person_of(record(answer, "user"))

    async def direct_channel(self, channel: Channel, user: str) -> str:
        """The direct message with a user: https://docs.slack.dev/reference/methods/conversations.open"""
        answer = await self._calls.call(channel, "conversations.open", {"users": user}, wait_s=_AT_ONCE_S)
        direct = ident(record(answer, "channel"), "id")
        if direct is None:
            raise PlatformFailed("Slack's conversations.open", "no_answer", permanent=False)
        return direct

    async def suggest(
        self, channel: Channel, room: str, thread_ts: str | None, title: str, prompts: Sequence[str]
    ) -> None:
        """Show what may be asked: https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts"""
        given = {
            "channel_id": room,
            "thread_ts": thread_ts,
            "title": title[:_LONGEST_TITLE] or None,
            "prompts": [{"title": each, "message": each} for each in prompts[:_MOST_PROMPTS]],
        }
        await self._calls.call(channel, "assistant.threads.setSuggestedPrompts", given, wait_s=_PATIENT_S)

    async def confirm_stop(self, channel: Channel, room: str, thread_ts: str) -> None:
        """Say that the work has stopped: https://docs.slack.dev/reference/methods/agents.sessions.setStatus"""
        given = {"channel_id": room, "thread_ts": thread_ts, "status": "active"}
        await self._calls.call(channel, "agents.sessions.setStatus", given, wait_s=_PATIENT_S)

    async def whisper(self, response_url: str | None, text: str) -> None:
        """Tell one person something where they pressed or commanded. An address that is not Slack's is not asked.

        https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
        """
        if response_url is None or not self._is_slacks(response_url):
            raise PlatformFailed("a response URL of Slack's", "no_response_url", permanent=True)
        client = AsyncWebhookClient(response_url, timeout=LIMIT_S, retry_handlers=[])
        with answering("response_url"):
            answer = await client.send(text=text, response_type="ephemeral", replace_original=False)
        if answer.status_code != 200:
            raise PlatformFailed("a response URL of Slack's", f"http_{answer.status_code}", permanent=True)

    def _is_slacks(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return (parts.scheme, parts.netloc) in self._answered and url.isascii() and url.isprintable()
