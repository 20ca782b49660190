"""slack_bolt between the gate and our own handler, over HTTP and over Socket Mode.

Bolt parses bodies before it checks them and raises over shapes that it does not expect (1.30), so it is shown an
outline that we made: which kind of thing came, and for whom. The payload itself, verified, goes along in the context.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import structlog
from slack_bolt.async_app import AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.response import BoltResponse

from adapters.slack.parse_places import origin_of
from adapters.slack.ports import Answer
from adapters.slack.untrusted import record, text
from adapters.slack.web_api import client_of
from storage.errors import StorageError
from storage.installations import Installation
from storage.records import Channel, Json

log = structlog.get_logger("parley.slack")

# What becomes of one payload: the body to acknowledge it with, None for an empty one.
Handle: TypeAlias = Callable[[Channel, Installation, Mapping[str, Any]], Awaitable[Json]]
_CHANNEL, _PAYLOAD, _INSTALLATION = "parley_channel", "parley_payload", "parley_installation"


class Bolt:
    """An AsyncApp with one listener for everything. `installation_of` finds the channel's (cached)."""

    def __init__(
        self,
        handle: Handle,
        installation_of: Callable[[Channel], Awaitable[Installation]],
        api_base_url: str,
    ) -> None:
        self._handle = handle
        self._installation_of = installation_of
        # Bolt's own lines would name people and quote payloads; what is to be told is told by us.
        logger = logging.getLogger("parley.slack.bolt")
        logger.setLevel(logging.CRITICAL)
        self.app = AsyncApp(
            logger=logger,
            name="parley",
            # Acknowledged when it is stored and not before, so that a failed insert is sent again.
            process_before_response=True,
            # Given, or Bolt would look into the environment.
            signing_secret="",
            client=client_of(api_base_url),
            authorize=_Installed(self._authorize),
            # The gate's work, or ours: see parse_messages.py for whose messages are not heard.
            request_verification_enabled=False,
            ignoring_self_events_enabled=False,
            ssl_check_enabled=False,
            url_verification_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        self.app.middleware(self._listen)
        self.app.error(self._failed)

    async def deliver(self, channel: Channel, payload: dict[str, Any]) -> Answer:
        """Hand a verified payload on; 503 when it could not be stored, 500 for a defect of ours."""
        request = AsyncBoltRequest(
            # Bolt takes an object that is parsed already in this mode only, wherever it came from.
            mode="socket_mode",
            body=outline(payload),
            context={_CHANNEL: channel, _PAYLOAD: payload},
        )
        response = await self.app.async_dispatch(request)
        return Answer(response.status, response.answer if isinstance(response, _Answered) else None)

    async def _authorize(self, context: AsyncBoltContext) -> AuthorizeResult:
        """From the channel's installation, so that no `auth.test` is asked for each event."""
        installation = await self._installation_of(context[_CHANNEL])
        context[_INSTALLATION] = installation
        return AuthorizeResult(
            enterprise_id=installation.enterprise_id,
            team_id=installation.team_id,
            bot_user_id=installation.bot_user_id,
            bot_id=installation.bot_id,
            bot_token=installation.tokens.access if installation.tokens else None,
            bot_scopes=installation.scopes,
        )

    async def _listen(self, context: AsyncBoltContext) -> BoltResponse:
        channel: Channel = context[_CHANNEL]
        # Bolt asks nobody for events about an app's own end.
        installation: Installation = context.get(_INSTALLATION) or await self._installation_of(channel)
        return _Answered(200, await self._handle(channel, installation, context[_PAYLOAD]))

    async def _failed(self, error: Exception) -> BoltResponse:
        if isinstance(error, StorageError):
            log.warning("slack_not_taken", error=str(error))
            return _Answered(503, None)
        # Without the exception's text, which may hold what a person wrote.
        log.error("slack_event_failed", error=type(error).__name__, exc_info=error)
        return _Answered(500, None)


class _Installed(AsyncAuthorize):
    """Ours in the form that Bolt calls as it is, rather than by the names of its arguments."""

    def __init__(self, authorize: Callable[[AsyncBoltContext], Awaitable[AuthorizeResult]]) -> None:
        self._authorize = authorize

    async def __call__(self, *, context: AsyncBoltContext, **_: Any) -> AuthorizeResult:
        return await self._authorize(context)


class _Answered(BoltResponse):
    """Bolt's response, with what is to be answered as it was given."""

    def __init__(self, status: int, answer: Json) -> None:
        super().__init__(status=status, body=answer if isinstance(answer, dict) else "")
        self.answer = answer


def outline(payload: Mapping[str, Any]) -> dict[str, Any]:
    """As much of a payload as Bolt needs to know it by, every value of the kind that Bolt expects."""
    origin = origin_of(payload)
    shown: dict[str, Any] = {
        "type": text(payload, "type", 60) or ("command" if "command" in payload else "unknown"),
        "team_id": origin.team_id,
        "enterprise_id": origin.enterprise_id,
    }
    if shown["type"] == "event_callback":
        shown["event"] = {"type": text(record(payload, "event"), "type", 60) or "unknown"}
    return shown
