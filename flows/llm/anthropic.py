"""Anthropic's models, through its SDK.

The SDK takes one to two seconds to import, so it is imported when first needed, in a thread. It tries nothing
again by itself: each attempt is ours and on record.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flows.llm.anthropic_request import citable, parameters
from flows.llm.contract import ErrorKind, Event, ModelError, ModelRequest

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic, AsyncStream
    from anthropic.types import RawMessageStreamEvent

API_URL = "https://api.anthropic.com"
# What reading raises when the other side is no Messages API: the SDK does not check what it reads.
_UNREADABLE = (ValueError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    `silence` is between two pieces of data, of which the API sends some also while a model thinks;
    `first_event` is until an answer begins, `whole` until it ends.
    """

    connect: float = 5.0
    first_event: float = 30.0
    silence: float = 30.0
    whole: float = 300.0


class Anthropic:
    """A `Provider`. `base_url` None is Anthropic's own; `load()` imports the SDK ahead of the first request."""

    name = "anthropic"

    def __init__(self, api_key: str, base_url: str | None = None, patience: Patience | None = None) -> None:
        self._api_key = api_key
        self._base_url = base_url or API_URL
        self._patience = patience or Patience()
        self._client: AsyncAnthropic | None = None
        self._loading = asyncio.Lock()

    async def load(self) -> AsyncAnthropic:
        """Import the SDK and make its client, once."""
        async with self._loading:
            if self._client is None:
                self._client = await asyncio.to_thread(self._make_client)
            return self._client

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.close()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Event, None]:
        """Ask once. Raises ModelError."""
        asked = parameters(request)
        client = await self.load()
        # Their modules import the SDK.
        from anthropic import AnthropicError
        from httpx2 import HTTPError

        from flows.llm.anthropic_errors import stalled, translated
        from flows.llm.anthropic_reply import Reply

        reply = Reply([index for index, _ in citable(request)])
        try:
            async with aclosing(self._events(client, asked)) as events:
                async for event in events:
                    for meant in reply.read(event):
                        yield meant
                    if reply.finished:
                        return
        except TimeoutError:
            raise stalled() from None
        except (AnthropicError, HTTPError, *_UNREADABLE) as error:
            raise translated(error) from error
        raise ModelError(ErrorKind.CUT, "the answer broke off", transient=True)

    async def _events(
        self, client: AsyncAnthropic, asked: dict[str, Any]
    ) -> AsyncGenerator[RawMessageStreamEvent, None]:
        now = asyncio.get_running_loop().time()
        first_by, end_by = now + self._patience.first_event, now + self._patience.whole
        async with asyncio.timeout_at(first_by):
            stream: AsyncStream[RawMessageStreamEvent] = await client.messages.create(**asked, stream=True)
        async with stream:
            limit = min(first_by, end_by)
            while True:
                async with asyncio.timeout_at(limit):
                    event = await anext(stream, None)
                if event is None:
                    return
                yield event
                limit = end_by

    def _make_client(self) -> AsyncAnthropic:
        from anthropic import AsyncAnthropic, Timeout

        # With ANTHROPIC_LOG=debug it would log what people write.
        logging.getLogger("anthropic").setLevel(logging.WARNING)
        patience = self._patience
        return AsyncAnthropic(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,
            timeout=Timeout(patience.silence, connect=patience.connect),
            open_telemetry=False,
        )
