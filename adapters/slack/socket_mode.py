"""Socket Mode: for each app-level token a connection that we open, over which Slack sends what it else would post.

https://docs.slack.dev/apis/events-api/using-socket-mode

The connection is slack_sdk's, and comes back by itself. One that stays away is given up here and made anew: with an
address that has expired, the SDK (3.47) would try for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient

from adapters.errors import PlatformFailed
from adapters.slack.gate import Deliver
from adapters.slack.identity import app_of_token
from adapters.slack.ports import Accounts
from adapters.slack.socket_handler import QUIET, EnvelopeHandler
from adapters.slack.untrusted import ident
from adapters.slack.verify import account_in
from adapters.slack.web_api import answering, client_of
from storage.errors import StorageError
from storage.slack_accounts import is_own_app

log = structlog.get_logger("parley.slack")

# Why an envelope led to nothing, as the metric has it.
DROPPED: Final = ("account", "closed", "foreign", "unavailable")

LOOK_EVERY_S = 20.0
_CONNECT_S = 15.0
_CHECK_EVERY_S = 1.0
# The SDK notices within 40 s that nobody answers its pings, and connects again in a moment where it can.
_AWAY_S = 30.0
_LONGEST_WAIT_S = 60.0
_CLOSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Link:
    """An app-level token, and the tenants whose channels its connection may speak for.

    `tenants` None: it is the process's, and speaks for the channels of the process's app.
    """

    app_token: str = field(repr=False)
    tenants: frozenset[UUID] | None

    @property
    def app_id(self) -> str | None:
        """The app that the token names."""
        return app_of_token(self.app_token)


class SocketMode:
    """Keeps a connection for each of `links`, which are asked for again and again.

    `deliver` takes a payload for its channel; `count` is told of each envelope that led to nothing.
    """

    def __init__(
        self,
        app: AsyncApp,
        links: Callable[[], Awaitable[list[Link]]],
        accounts: Accounts,
        deliver: Deliver,
        api_base_url: str,
        count: Callable[[str], None],
        *,
        look_every_s: float = LOOK_EVERY_S,
        away_s: float = _AWAY_S,
    ) -> None:
        self._app = app
        self._links = links
        self._accounts = accounts
        self._deliver = deliver
        self._api_base_url = api_base_url
        self._count = count
        self._look_every_s = look_every_s
        self._away_s = away_s
        self._wanted: dict[str, Link] = {}
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Be connected until the block ends; then what is being taken is finished and acknowledged."""
        QUIET.setLevel(logging.CRITICAL)
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            for task in (looking, *self._serving.values()):
                task.cancel()
            # Those that end already are not cancelled once more, in the midst of closing what they have.
            await asyncio.wait({looking, *self._serving.values(), *self._ending})
            self._serving.clear()

    async def _look(self) -> None:
        while True:
            try:
                wanted = {link.app_token: link for link in await self._links()}
            except StorageError as error:
                log.warning("slack_sockets_not_looked_up", error=str(error))
            else:
                self._follow(wanted)
            await asyncio.sleep(self._look_every_s)

    def _follow(self, wanted: Mapping[str, Link]) -> None:
        """Connect what is new, and disconnect what is wanted no more."""
        self._wanted = dict(wanted)
        for token in self._serving.keys() - wanted.keys():
            task = self._serving.pop(token)
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        for token in wanted:
            if token not in self._serving:
                self._serving[token] = asyncio.create_task(self._serve(token))

    async def _serve(self, token: str) -> None:
        """Connect again whenever the connection is gone for good."""
        app_id, failures = app_of_token(token), 0
        while True:
            try:
                async with self._connected(token) as client:
                    failures = 0
                    log.info("slack_socket_open", app=app_id)
                    await self._until_away(client)
                    log.warning("slack_socket_lost", app=app_id)
            except (PlatformFailed, TimeoutError) as error:
                # Also a token that was revoked: somebody may put another in its place, or give it back.
                failures += 1
                log.warning("slack_socket_refused", app=app_id, error=str(error) or "no answer in time")
            except Exception as error:
                failures += 1
                log.error("slack_socket_failed", app=app_id, error=type(error).__name__, exc_info=error)
            await asyncio.sleep(min(2.0**failures, _LONGEST_WAIT_S) if failures else 0.0)

    @asynccontextmanager
    async def _connected(self, token: str) -> AsyncIterator[SocketModeClient]:
        web_client = client_of(self._api_base_url)
        with answering("apps.connections.open"):
            # Asked here first: the SDK tries for ever with a token that is worth nothing.
            url = (await web_client.apps_connections_open(app_token=token))["url"]
        handler = EnvelopeHandler(self._app, token, web_client, self._take)
        handler.client.wss_uri = url
        try:
            async with asyncio.timeout(_CONNECT_S):
                await handler.connect_async()  # type: ignore[no-untyped-call]
            yield handler.client
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await handler.finish()
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _until_away(self, client: SocketModeClient) -> None:
        now = asyncio.get_running_loop().time
        seen = now()
        while now() - seen < self._away_s:
            await asyncio.sleep(min(_CHECK_EVERY_S, self._away_s / 4))
            if await client.is_connected():
                seen = now()

    async def _take(self, token: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """What to acknowledge an envelope with; None: not at all, so that Slack sends it again."""
        link = self._wanted.get(token)
        if link is None:
            return None
        claimed = account_in(payload)
        if claimed is None or link.app_id not in (None, ident(payload, "api_app_id")):
            return self._drop("account")
        try:
            account = await self._accounts.find(claimed.keys)
        except StorageError as error:
            log.warning("slack_not_taken", error=str(error))
            self._count("unavailable")
            return None
        if account is None:
            return self._drop("account")
        channel = account.channel
        if link.tenants is None:
            is_ours = not is_own_app(channel.credentials)
        else:
            is_ours = channel.tenant_id in link.tenants and is_own_app(channel.credentials)
        if not is_ours:
            return self._drop("foreign")
        if not account.is_open:
            return self._drop("closed")
        answer = await self._deliver(channel, payload)
        if answer.status != 200:
            self._count("unavailable")
            return None
        return answer.body if isinstance(answer.body, dict) else {}

    def _drop(self, reason: str) -> dict[str, Any]:
        self._count(reason)
        log.info("slack_envelope_dropped", reason=reason)
        return {}
