"""`POST /slack/events`: the one address for events, interactions and slash commands, checked on its raw bytes.

Nothing that Slack did not sign gets past here, and nobody learns why: every such request has the same answer. What
can be told without the body is told without reading it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import structlog
from aiohttp import web

from adapters.slack.manifest import EVENTS_PATH
from adapters.slack.ports import Accounts, Answer
from adapters.slack.untrusted import text
from adapters.slack.verify import MAX_BODY_BYTES, account_in, document_of, headers_fit, signature_fits
from storage.clock import Clock
from storage.errors import StorageError, Unavailable
from storage.records import Channel

log = structlog.get_logger("parley.slack")

# Slack sends a body at once; who takes longer is somebody else.
BODY_TIMEOUT_S = 5.0

# Why a request was turned away, as the metric has it.
REFUSALS: Final = (
    "packed",
    "headers",
    "too_large",
    "too_slow",
    "cut",
    "shape",
    "account",
    "signature",
    "closed",
    "unavailable",
)

Deliver: TypeAlias = Callable[[Channel, dict[str, Any]], Awaitable[Answer]]


class Gate:
    """Lets verified payloads through to `deliver`, with the channel whose account they are for.

    `count` is told of each refusal; `body_timeout_s` is how long a body may take.
    """

    def __init__(
        self,
        accounts: Accounts,
        deliver: Deliver,
        clock: Clock,
        count: Callable[[str], None],
        *,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._accounts = accounts
        self._deliver = deliver
        self._clock = clock
        self._count = count
        self._body_timeout_s = body_timeout_s

    def mount(self, app: web.Application) -> None:
        """Add the address."""
        app.add_routes([web.post(EVENTS_PATH, self.take)])

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request. Never 5xx for what it holds; 503 while it cannot be stored, so that Slack sends it again."""
        if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            return self._refuse(415, "packed")
        timestamps = request.headers.getall("X-Slack-Request-Timestamp", [])
        signatures = request.headers.getall("X-Slack-Signature", [])
        if not headers_fit(timestamps, signatures, self._now()):
            return self._refuse(401, "headers")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return self._refuse(413, "too_large")
        try:
            async with asyncio.timeout(self._body_timeout_s):
                raw = await _read(request)
        except TimeoutError:
            return self._refuse(408, "too_slow")
        except (web.RequestPayloadError, ConnectionError):
            return self._refuse(400, "cut")
        if raw is None:
            return self._refuse(413, "too_large")

        def is_signed(secrets: tuple[str, ...]) -> bool:
            return signature_fits(secrets, timestamps, signatures, raw, self._now())

        try:
            return await self._admit(request.headers.get("Content-Type", ""), raw, is_signed)
        except StorageError as error:
            # Also a tenant's key that is missing or damaged: somebody may mend it before Slack gives up.
            log.warning("slack_not_taken", error=str(error))
            retry_after = error.retry_after if isinstance(error, Unavailable) else 60.0
            return self._refuse(503, "unavailable", retry_after=retry_after)

    async def _admit(
        self, content_type: str, raw: bytes, is_signed: Callable[[tuple[str, ...]], bool]
    ) -> web.StreamResponse:
        document = document_of(content_type, raw)
        if document is None:
            # Whose it is cannot be known; only Slack's own word, signed for the process's app, is worth an answer.
            known = is_signed(self._accounts.process_secrets)
            return self._refuse(400, "shape") if known else self._refuse(401, "signature")
        if document.get("type") == "url_verification":
            return await self._verified(document, is_signed)
        claimed = account_in(document)
        account = None if claimed is None else await self._accounts.find(claimed.keys)
        if account is None:
            return self._refuse(401, "account")
        if not is_signed(account.signing_secrets):
            return self._refuse(401, "signature")
        if not account.is_open:
            # Uninstalled or switched off. Slack ends the subscription of an app whose events are refused.
            return self._refuse(200, "closed")
        answer = await self._deliver(account.channel, document)
        return _response(answer)

    async def _verified(
        self, document: dict[str, Any], is_signed: Callable[[tuple[str, ...]], bool]
    ) -> web.StreamResponse:
        """Somebody entered our address in an app's settings; it names no app, so any signing secret we know may fit.

        https://docs.slack.dev/reference/events/url_verification
        """
        challenge = text(document, "challenge", 1_000)
        is_known = is_signed(self._accounts.process_secrets) or is_signed(await self._accounts.own_secrets())
        if not is_known:
            return self._refuse(401, "signature")
        if challenge is None:
            return self._refuse(400, "shape")
        return web.Response(text=challenge, headers={"X-Content-Type-Options": "nosniff"})

    def _refuse(self, status: int, reason: str, *, retry_after: float | None = None) -> web.Response:
        self._count(reason)
        log.info("slack_refused", reason=reason, status=status)
        response = web.Response(status=status)
        if retry_after is not None:
            response.headers["Retry-After"] = str(max(1, round(retry_after)))
        return response

    def _now(self) -> float:
        return self._clock().timestamp()


async def _read(request: web.Request) -> bytes | None:
    """The body; None as soon as it is larger than is taken."""
    pieces: list[bytes] = []
    size = 0
    while piece := await request.content.readany():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _response(answer: Answer) -> web.Response:
    if answer.body is None:
        response = web.Response(status=answer.status)
    else:
        response = web.json_response(answer.body, status=answer.status)
    if answer.status == 503:
        response.headers["Retry-After"] = "1"
    return response
