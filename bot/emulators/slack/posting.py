"""Notices by HTTP, signed with the app's secret.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.emulators.slack.ids import Clock
from bot.emulators.slack.notices import Answer, Notice
from bot.emulators.slack.records import App

_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"
# How long an answer that comes too late is still read, so that the app is not cut off in the middle.
_LATEST_SECONDS = 30.0
# Slack follows two; aiohttp gives up at the number itself.
_MAX_REDIRECTS = 2 + 1


class Posting:
    """Posts to the app's request URLs; an answer counts within `ack_within` seconds."""

    def __init__(self, clock: Clock, ack_within: float) -> None:
        self._clock = clock
        self._ack_within = ack_within
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[Answer]] = set()

    async def post(self, app: App, notice: Notice, number: int, reason: str | None) -> Answer:
        """One attempt."""
        url, content_type, body = _request(app, notice)
        if not url:
            return Answer(failure="no_request_url", is_final=True)
        headers = {
            "Content-Type": content_type,
            "User-Agent": _AGENT,
            "Accept": "*/*",
            **signed(app.signing_secret, body, int(self._clock())),
        }
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason or ""}
        task = asyncio.create_task(self._send(url, body, headers))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        # Too late is too late, but the request goes on: the app is at work when the next attempt comes.
        done, _ = await asyncio.wait({task}, timeout=self._ack_within)
        return task.result() if done else Answer(failure="http_timeout")

    async def verify(self, app: App, challenge: str) -> bool:
        """`url_verification`: whether the address for events gives the challenge back."""
        payload = {"token": app.verification_token, "challenge": challenge, "type": "url_verification"}
        body = json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **signed(app.signing_secret, body, int(self._clock()))}
        async with self._client().post(app.events_url, data=body, headers=headers) as answer:
            return answer.status == 200 and challenge in await answer.text()

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _send(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            async with self._client().post(
                url, data=body, headers=headers, max_redirects=_MAX_REDIRECTS
            ) as answer:
                text = await answer.text()
                if 200 <= answer.status < 300:
                    return Answer(_read(text))
                is_final = answer.headers.get("X-Slack-No-Retry") == "1"
                return Answer(failure="http_error", is_final=is_final)
        except aiohttp.TooManyRedirects:
            return Answer(failure="too_many_redirects")
        except aiohttp.ClientSSLError:
            return Answer(failure="ssl_error")
        except (aiohttp.ClientError, OSError):
            return Answer(failure="connection_failed")
        except TimeoutError:
            return Answer(failure="http_timeout")

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=_LATEST_SECONDS), cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session


def signed(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The two headers by which an app knows that a request is Slack's."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": f"v0={digest}"}


def _request(app: App, notice: Notice) -> tuple[str, str, bytes]:
    match notice.kind:
        case "events_api":
            return app.events_url, "application/json", json.dumps(notice.payload).encode()
        case "interactive":
            form = urlencode({"payload": json.dumps(notice.payload)})
            return app.interactivity_url, "application/x-www-form-urlencoded", form.encode()
        case "slash_commands":
            return app.commands_url, "application/x-www-form-urlencoded", urlencode(notice.payload).encode()


def _read(text: str) -> Any:
    """An answer's JSON, else its text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
