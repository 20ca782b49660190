"""Installing an app: what the page that asks for consent hands out and takes back.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.emulators.slack.ids import Clock
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Enterprise, Installation, Workspace
from bot.emulators.slack.refusals import Refused

CODE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Code:
    """What somebody has consented to."""

    app_id: str
    tenant: Workspace | Enterprise
    installer: str
    redirect_uri: str
    scopes: frozenset[str]
    at: float


class Codes:
    """Hands out codes, each good once and for ten minutes."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self._platform = platform
        self._clock = clock
        self._codes: dict[str, Code] = {}

    def give(
        self,
        app: App,
        tenant: Workspace | Enterprise,
        installer: str,
        redirect_uri: str,
        scopes: frozenset[str],
    ) -> str:
        code = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**13)}.{secrets.token_hex(32)}"
        self._codes[code] = Code(app.id, tenant, installer, redirect_uri, scopes, self._clock())
        return code

    def redeem(self, app: App, given: str | None, redirect_uri: str | None) -> Installation:
        """Install the app as was consented to. Raises Refused."""
        code = self._codes.get(given or "")
        if code is None or code.app_id != app.id or self._clock() - code.at > CODE_SECONDS:
            raise Refused("invalid_code")
        if redirect_uri is not None and redirect_uri != code.redirect_uri:
            raise Refused("bad_redirect_uri")
        del self._codes[given or ""]
        directory = self._platform.directory
        installation = directory.install(
            app, code.tenant, directory.users[code.installer], scopes=code.scopes
        )
        self._platform.changed()
        return installation
