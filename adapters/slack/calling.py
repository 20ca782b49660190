"""Calls of Slack's Web API for a channel: paced, with the token that holds now, and never twice by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Protocol

from aiohttp import ClientSession

from adapters.errors import PlatformFailed
from adapters.slack.pacing import Pacer, limit_of
from adapters.slack.untrusted import Given
from adapters.slack.web_api import API_BASE_URL, answering, client_of
from storage.records import Channel
from storage.shortlived import ShortLived

# So long a caller sleeps for its turn; a delivery that must wait longer is put off, and its worker goes on.
LONGEST_SLEEP_S = 2.0
# So far away may be the place that a ticket keeps.
LONGEST_HELD_S = 120.0
# Deliveries that sleep take places from others: beyond so many, they are put off, however short it is.
MOST_SLEEPING = 8
PACED = "paced"
# https://docs.slack.dev/apis/web-api/#methods: reading methods, and the first for uploads, take no JSON.
_BY_FORM = {
    "conversations.history",
    "conversations.info",
    "conversations.replies",
    "files.getUploadURLExternal",
    "files.info",
    "users.info",
}
# What is said of the token, not of the call: nothing was done.
_TOKEN_REFUSED = {"token_expired", "token_revoked", "account_inactive", "invalid_auth", "not_authed"}


class BotTokens(Protocol):
    """The tokens of installations. Both methods raise Unavailable."""

    async def of(self, channel: Channel) -> str:
        """The token to call with. Raises PlatformFailed where there is none."""

    async def instead(self, channel: Channel, refused: str, code: str) -> str | None:
        """Another token in place of one that Slack refused; None: there is none, and what that means is on record.

        Raises PlatformFailed where one will be had later.
        """


class SlackCalls:
    """Calls methods. `http` is a session of `open_http`; `sleep` waits for seconds."""

    def __init__(
        self,
        tokens: BotTokens,
        pacer: Pacer,
        *,
        http: ClientSession | None = None,
        api_base_url: str = API_BASE_URL,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._tokens = tokens
        self._pacer = pacer
        self._http = http
        self._api_base_url = api_base_url
        self._sleep = sleep
        self._sleeping = 0
        self._last_blocked: ShortLived[Hashable, Hashable] = ShortLived(life=3_600, capacity=10_000)

    async def call(
        self,
        channel: Channel,
        method: str,
        arguments: Mapping[str, Any],
        *,
        ticket: Hashable | None = None,
        wait_s: float = LONGEST_SLEEP_S,
    ) -> Given:
        """Call a method once; arguments that are None are left out. Raises PlatformFailed and Unavailable.

        What must wait for more than `wait_s` fails with `paced` and `retry_after`; whoever has a `ticket` keeps
        its place until it comes again.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        await self._pace(channel, method, given, ticket, wait_s)
        token = await self._tokens.of(channel)
        try:
            return await self._send(channel, method, given, token)
        except PlatformFailed as failed:
            if failed.code not in _TOKEN_REFUSED:
                raise
            other = await self._tokens.instead(channel, token, failed.code)
            if other is None:
                raise
        return await self._send(channel, method, given, other)

    async def _send(self, channel: Channel, method: str, given: Mapping[str, Any], token: str) -> Given:
        client = client_of(self._api_base_url, token, self._http)
        try:
            with answering(method):
                if method in _BY_FORM:
                    form = {name: _written(value) for name, value in given.items()}
                    answer = await client.api_call(method, data=form)
                else:
                    answer = await client.api_call(method, json=dict(given))
        except PlatformFailed as failed:
            if failed.code == "ratelimited" and failed.retry_after is not None:
                failed.retry_after = self._block(channel, method, given, failed.retry_after)
            raise
        return answer.data if isinstance(answer.data, dict) else {}

    async def _pace(
        self, channel: Channel, method: str, given: Mapping[str, Any], ticket: Hashable | None, wait_s: float
    ) -> None:
        """Wait for the call's turn. Raises PlatformFailed."""
        (lane, whole), limit = _lanes(channel, method, given), limit_of(method)
        holder, hold_s = (object(), wait_s) if ticket is None else (ticket, LONGEST_HELD_S)
        slept = 0.0
        while True:
            wait = self._pacer.blocked_s(whole) if lane != whole else 0.0
            wait = wait or self._pacer.wait_s(lane, limit, holder, hold_s=hold_s)
            if wait == 0.0:
                return
            crowded = ticket is not None and self._sleeping >= MOST_SLEEPING
            if slept + wait > wait_s or crowded:
                raise PlatformFailed(f"Slack's {method}", PACED, permanent=False, retry_after=wait)
            slept += wait
            self._sleeping += 1
            try:
                await self._sleep(wait)
            finally:
                self._sleeping -= 1

    def _block(self, channel: Channel, method: str, given: Mapping[str, Any], seconds: float) -> float:
        """Slack does not say whether a channel or the workspace had too much: two channels are the workspace."""
        (lane, whole), limit = _lanes(channel, method, given), limit_of(method)
        last = self._last_blocked.get(whole)
        if last is not None and last != lane and self._pacer.blocked_s(last):
            self._pacer.block(whole, limit, seconds)
        self._last_blocked.keep(whole, lane, self._last_blocked.generation)
        return self._pacer.block(lane, limit, seconds)


def _lanes(channel: Channel, method: str, given: Mapping[str, Any]) -> tuple[Hashable, Hashable]:
    """What has the limit, and the whole of which it may be a part: the method in the workspace."""
    whole = (channel.id, method)
    return ((*whole, given.get("channel")) if method == "chat.postMessage" else whole), whole


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
