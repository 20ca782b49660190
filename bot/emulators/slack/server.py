"""The emulator's server, in the test's own process or as `parley emulate slack`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from aiohttp import web

from adapters.slack.inbound import CALLING
from adapters.slack.manifest import BOT_EVENTS, BOT_SCOPES
from bot.emulators.slack.chat_page import Page
from bot.emulators.slack.faults import Fault
from bot.emulators.slack.ids import Clock
from bot.emulators.slack.notices import Delivery, Notice
from bot.emulators.slack.parts import build, routes
from bot.emulators.slack.person import Person
from bot.emulators.slack.records import (
    App,
    Call,
    Channel,
    Enterprise,
    Installation,
    Json,
    Message,
    User,
    Workspace,
)
from bot.emulators.slack.sockets import Reason

# Slack's own limits: a body of the API, and an upload.
MAX_BODY_BYTES = 64 * 1024 * 1024


class SlackEmulator:
    """Plays Slack on 127.0.0.1: `async with SlackEmulator(app_url="http://127.0.0.1:8080") as slack`.

    It starts with an app made from our manifest, a workspace with two people and a channel, and the app in it; more
    can be added. `app_url` is where the app's request URLs are (None: it has none), `port` 0 takes any free one.

    `limits` keeps Slack's rate limits. The times of its protocol can be shortened for a test: `ack_within` seconds
    an app has to answer, `retry_after` those between the attempts. `clock` gives the time as seconds since 1970.
    """

    def __init__(
        self,
        *,
        app_url: str | None = None,
        port: int = 0,
        limits: bool = False,
        ack_within: float = 3.0,
        retry_after: Sequence[float] = (0.0, 60.0, 300.0),
        clock: Clock = time.time,
    ) -> None:
        self._port = port
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self._parts = build(clock, limits=limits, ack_within=ack_within, retry_after=retry_after)
        self.platform = self._parts.platform
        self.sockets = self._parts.sockets
        self.limits = self._parts.limits
        self._furnish(app_url)

    def _furnish(self, app_url: str | None) -> None:
        """What is there from the beginning."""
        directory = self.platform.directory
        # Configured by our own manifest: what that does not ask for is refused, and what it does not subscribe to
        # does not come.
        app = self.configure(
            directory.add_app("Parley", app_url=app_url, command=CALLING),
            scopes=frozenset(BOT_SCOPES),
            events=frozenset(BOT_EVENTS),
        )
        self.workspace = self.add_workspace("Acme")
        ada = directory.add_user(self.workspace.id, "Ada Lovelace")
        ben = directory.add_user(self.workspace.id, "Ben Okri", tz="Europe/London")
        self.general = directory.add_channel(self.workspace.id, "general", (ada.id, ben.id))
        self.app_id = app.id
        self.installation = self.install(app, self.workspace)

    @property
    def app(self) -> App:
        """The first app, as it is configured now."""
        return self.platform.directory.apps[self.app_id]

    @property
    def bot_token(self) -> str:
        """The token of the first app in the first workspace."""
        return self.platform.grants.token_of(self.installation)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """What SLACK_API_BASE_URL is set to."""
        return f"{self.url}/api/"

    @property
    def port(self) -> int:
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    @property
    def variables(self) -> tuple[str, ...]:
        """What the app is to have in its environment."""
        return (
            f"SLACK_API_BASE_URL={self.api_url}",
            f"SLACK_BOT_TOKEN={self.bot_token}",
            f"SLACK_SIGNING_SECRET={self.app.signing_secret}",
            f"SLACK_APP_TOKEN={self.app.app_token}",
            f"SLACK_CLIENT_ID={self.app.client_id}",
            f"SLACK_CLIENT_SECRET={self.app.client_secret}",
        )

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages as they stand, in order."""
        return tuple(sorted(self.platform.transcript, key=lambda message: message.ts))

    @property
    def calls(self) -> deque[Call]:
        """The calls of the Web API that came in."""
        return self._parts.api.calls

    @property
    def deliveries(self) -> deque[Delivery]:
        """What was sent to apps."""
        return self._parts.outlet.deliveries

    def said(self, channel: Channel | str | None = None) -> list[Message]:
        """The app's messages, all or those in a channel."""
        id_ = channel.id if isinstance(channel, Channel) else channel
        return [each for each in self.messages if each.bot_id is not None and id_ in (None, each.channel)]

    def person(self, user: User | str) -> Person:
        """Somebody who acts: a user, an id, or a name such as "Ada"."""
        users = self.platform.directory.users
        if isinstance(user, str):
            user = users.get(user) or next(
                each for each in users.values() if each.real_name.split()[0] == user or each.real_name == user
            )
        return Person(self.platform, self._parts.interactions, user)

    def add_app(self, name: str, *, app_url: str | None = None) -> App:
        return self.platform.directory.add_app(name, app_url=app_url, command=f"/{name.lower()}")

    def configure(self, app: App | None = None, **settings: Any) -> App:
        """Change an app's configuration: the fields of App."""
        changed = replace(app or self.app, **settings)
        self.platform.directory.apps[changed.id] = changed
        return changed

    def add_enterprise(self, name: str) -> Enterprise:
        return self.platform.directory.add_enterprise(name)

    def add_workspace(self, name: str, enterprise: Enterprise | None = None) -> Workspace:
        return self.platform.directory.add_workspace(name, enterprise)

    def add_person(self, workspace: Workspace, real_name: str, **more: str) -> Person:
        """A new user of a workspace, who is in no channel yet. `more`: tz, locale."""
        return self.person(self.platform.directory.add_user(workspace.id, real_name, **more))

    def add_channel(
        self, workspace: Workspace, name: str, *members: Person | Installation, **more: Any
    ) -> Channel:
        """A channel with these people and apps. `more`: kind, shared_with (the ids of other workspaces)."""
        ids = tuple(each.bot_user_id if isinstance(each, Installation) else each.id for each in members)
        return self.platform.directory.add_channel(workspace.id, name, ids, **more)

    def install(self, app: App, tenant: Workspace | Enterprise) -> Installation:
        """Install an app without asking anybody, and issue its token."""
        directory = self.platform.directory
        installer = next(user for user in directory.users.values() if user.bot_id is None)
        installation = directory.install(app, tenant, installer)
        self.platform.grants.issue(app, installation)
        return installation

    def token(self, installation: Installation) -> str:
        return self.platform.grants.token_of(installation)

    def fault(self, kind: str, method: str | None = None, *, event: str | None = None, **more: Any) -> None:
        """Let something go wrong: see `faults.py`. Raises BadFault."""
        self._parts.faults.add(Fault(kind, method, event, **more))

    def forget_method(self, method: str) -> None:
        """From now on answer `unknown_method` to it, as Slack does where a feature is not there."""
        self._parts.api.unknown.add(method)

    def send_event(self, inner: Json, installation: Installation | None = None) -> None:
        """Send an event of any kind, subscribed or not."""
        installation = installation or self.installation
        payload = self.platform.announcer.envelope(installation, inner, None)
        self._parts.outlet.send(Notice(installation.app_id, "events_api", str(inner.get("type")), payload))

    def rate_limit_app(self) -> None:
        """Tell the app that it gets too many events: `app_rate_limited`, which is no event_callback."""
        minute = int(self._clock()) // 60 * 60
        payload = {
            "token": self.app.verification_token,
            "type": "app_rate_limited",
            "team_id": self.workspace.id,
            "minute_rate_limited": minute,
            "api_app_id": self.app.id,
        }
        self._parts.outlet.send(Notice(self.app.id, "events_api", "app_rate_limited", payload))

    async def verify_url(
        self, challenge: str = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
    ) -> bool:
        """Whether the app's request URL gives the challenge back, as when somebody enters it."""
        return await self._parts.posting.verify(self.app, challenge)

    async def disconnect(self, reason: Reason = "refresh_requested", *, grace: float = 10.0) -> None:
        """End the first app's Socket Mode connections, or warn that they will end."""
        await self.sockets.disconnect(self.app.id, reason, grace=grace)

    async def idle(self) -> None:
        """Wait until everything that was sent has arrived or was given up."""
        await self._parts.outlet.idle()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes([*routes(self._parts), *Page(self.platform, self.person, self.install).routes()])
        # Whoever hangs up must not leave an answer behind that goes on for an hour.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self.platform.base_url = self.sockets.base_url = self.url
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        self._parts.closing.set()
        self.platform.is_open = False
        self.platform.changed()
        await self._parts.outlet.close()
        await self._parts.posting.close()
        await self.sockets.close()
        await self._runner.cleanup()
