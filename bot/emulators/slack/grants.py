"""Tokens: who holds one, what it allows, until when."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from bot.emulators.slack.ids import Clock, lasting_secret
from bot.emulators.slack.records import App, Installation
from bot.emulators.slack.refusals import Refused

# https://docs.slack.dev/authentication/using-token-rotation
ROTATED_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """What a bot's token stands for; `expires_at` None: it does not end."""

    installation: Installation
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as it is handed out."""

    token: str
    refresh_token: str | None
    expires_in: int | None


class Grants:
    """Issues tokens and reads them. A revoked token stays known, and refused as such."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._grants: dict[str, Grant] = {}
        self._refreshing: dict[str, Installation] = {}
        self._ended: dict[str, str] = {}

    def issue(self, app: App, installation: Installation) -> Issued:
        """A bot's token: a lasting one, or with rotation one for twelve hours and one to renew it."""
        if not app.rotates_tokens:
            token = f"xoxb-{lasting_secret('bot', app.id, installation.tenant)}"
            self._ended.pop(token, None)
            self._grants[token] = Grant(installation)
            return Issued(token, None, None)
        token, refresh = f"xoxe.xoxb-1-{secrets.token_hex(20)}", f"xoxe-1-{secrets.token_hex(20)}"
        self._grants[token] = Grant(installation, self._clock() + ROTATED_SECONDS)
        self._refreshing[refresh] = installation
        return Issued(token, refresh, ROTATED_SECONDS)

    def renew(self, app: App, refresh_token: object) -> tuple[Installation, Issued]:
        """Exchange a refresh token, which works once. Raises Refused."""
        installation = self._refreshing.get(str(refresh_token))
        if installation is None or installation.app_id != app.id:
            raise Refused("invalid_refresh_token")
        del self._refreshing[str(refresh_token)]
        return installation, self.issue(app, installation)

    def read(self, token: str | None) -> Installation:
        """Whose token it is. Raises Refused."""
        if not token:
            raise Refused("not_authed")
        if token in self._ended:
            raise Refused(self._ended[token])
        grant = self._grants.get(token)
        if grant is None:
            raise Refused("not_allowed_token_type" if token.startswith("xapp-") else "invalid_auth")
        if grant.expires_at is not None and grant.expires_at <= self._clock():
            raise Refused("token_expired")
        return grant.installation

    def token_of(self, installation: Installation) -> str:
        """The newest token of an installation."""
        return [token for token, grant in self._grants.items() if grant.installation == installation][-1]

    def revoke(self, token: str) -> None:
        self._ended[token] = "token_revoked"

    def end(self, installation: Installation) -> None:
        """The app was removed: its tokens are dead."""
        for token, grant in self._grants.items():
            if (grant.installation.app_id, grant.installation.tenant) == (
                installation.app_id,
                installation.tenant,
            ):
                self._ended[token] = "account_inactive"
        self._refreshing = {
            token: each for token, each in self._refreshing.items() if each.tenant != installation.tenant
        }
