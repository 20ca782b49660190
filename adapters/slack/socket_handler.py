"""One connection of Socket Mode: Bolt's handler, with our own word on what is acknowledged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

log = structlog.get_logger("parley.slack")

# The SDK's lines quote payloads.
QUIET = logging.getLogger("parley.slack.sdk")


class EnvelopeHandler(AsyncSocketModeHandler):
    """Bolt's handler, whose envelopes go through our own check first and are acknowledged when they are stored."""

    def __init__(
        self,
        app: AsyncApp,
        token: str,
        web_client: Any,
        take: Callable[[str, dict[str, Any]], Awaitable[dict[str, Any] | None]],
    ) -> None:
        super().__init__(app, token, logger=QUIET, web_client=web_client)
        self._take = take
        self._under_way: set[asyncio.Task[Any]] = set()

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        """One envelope."""
        task = asyncio.current_task()
        assert task is not None
        # The SDK keeps no reference to the tasks that it starts.
        self._under_way.add(task)
        try:
            body = await self._take(self.app_token, req.payload)
            if body is not None:
                await client.send_socket_mode_response(SocketModeResponse(req.envelope_id, body or None))
        except ConnectionError:
            # Slack sends it again over the next connection, and it is known then.
            log.info("slack_envelope_not_acknowledged")
        finally:
            self._under_way.discard(task)

    async def finish(self) -> None:
        """Take nothing more, and wait for what is being taken."""
        self.client.message_processor.cancel()
        while self._under_way:
            await asyncio.wait(self._under_way)
