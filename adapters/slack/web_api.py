"""Calls of Slack's Web API, with its errors and the SDK's mapped where they enter.

Nothing is tried twice here: slack_sdk's own retries would send again what may have been done
(https://docs.slack.dev/tools/python-slack-sdk/reference/http_retry/).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
)
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.errors import PlatformFailed

API_BASE_URL = AsyncWebClient.BASE_URL
LIMIT_S = 10

# https://docs.slack.dev/reference/methods/auth.test#errors: those that say nothing of what was asked.
_PASSING = {
    "ratelimited",
    "rate_limited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "unreachable",
}
# "It's possible some aspect of the operation succeeded before the error was raised", says the same page of these.
_UNSURE = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "no_answer"}
# Where a block is wrong, and not what it says.
_POINTER = re.compile(r"\[json-pointer:[a-z0-9_/]{1,80}\]")
_CODE = re.compile(r"[a-z0-9_.-]{1,80}")
_LONGEST_WAIT_S = 3600.0


def client_of(base_url: str, token: str | None = None, http: ClientSession | None = None) -> AsyncWebClient:
    """A client for the API at `base_url`, which ends in /api/; each call takes ten seconds at most.

    `http` is a session of `open_http`, whose connections are kept; without one each call has its own.
    """
    return AsyncWebClient(token, base_url, timeout=LIMIT_S, session=http, retry_handlers=[])


def open_http() -> ClientSession:
    """Connections to Slack, for whoever closes them. The SDK puts no limit to calls on a session that it is given."""
    return ClientSession(
        timeout=ClientTimeout(total=LIMIT_S, sock_connect=LIMIT_S / 2), cookie_jar=DummyCookieJar()
    )


@contextmanager
def answering(method: str) -> Iterator[None]:
    """Map what a call of `method` raises to PlatformFailed, without a word of what was sent."""
    try:
        yield
    except SlackClientError as error:
        raise _failed(method, getattr(error, "response", None)) from None
    except (ClientError, TimeoutError, asyncio.IncompleteReadError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise PlatformFailed(
            f"Slack's {method}",
            "unreachable",
            permanent=False,
            told=f"unreachable ({reason})",
            # Without a connection nothing was sent; afterwards nobody knows.
            unsure=not isinstance(error, ClientConnectorError | ConnectionTimeoutError),
        ) from None
    except (AttributeError, ValueError):
        # The SDK's word for an answer that is JSON but no object, or no text in UTF-8.
        raise PlatformFailed(f"Slack's {method}", "no_answer", permanent=False, unsure=True) from None


def _failed(method: str, response: Any) -> PlatformFailed:
    # Either the SDK's response or, where the body was no JSON, aiohttp's.
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    headers = getattr(response, "headers", None) or {}
    body = getattr(response, "data", None)
    named = body.get("error") if isinstance(body, Mapping) else None
    if isinstance(named, str) and _CODE.fullmatch(named):
        code = named
    else:
        code = "ratelimited" if status == 429 else f"http_{status}" if status != 200 else "no_answer"
    passing = code in _PASSING or status == 429 or status >= 500 or code == "no_answer"
    return PlatformFailed(
        f"Slack's {method}",
        code,
        permanent=not passing,
        retry_after=_wait(headers.get("Retry-After")),
        told=" ".join([code, *_pointers(body)]),
        unsure=code in _UNSURE or status >= 500,
    )


def _pointers(body: Any) -> list[str]:
    """Where Slack found fault with an argument."""
    metadata = body.get("response_metadata") if isinstance(body, Mapping) else None
    told = metadata.get("messages") if isinstance(metadata, Mapping) else None
    return _POINTER.findall(" ".join(map(str, told[:5])))[:5] if isinstance(told, list) else []


def _wait(given: object) -> float | None:
    if isinstance(given, str) and given.isascii() and given.isdigit():
        return min(float(given), _LONGEST_WAIT_S)
    return None
