"""Slack's side of installing: consent, a code for tokens, and new tokens for old ones.

https://docs.slack.dev/authentication/installing-with-oauth and https://docs.slack.dev/authentication/using-token-rotation
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from slack_sdk.oauth import AuthorizeUrlGenerator

from adapters.errors import PlatformFailed
from adapters.slack.untrusted import Given, ident, record, text
from adapters.slack.web_api import API_BASE_URL, answering, client_of
from storage.clock import Clock
from storage.installations import Grant, Tokens

METHOD = "oauth.v2.access"
_LONGEST_TOKEN = 2_000


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The process's own app, which workspaces of all tenants may install."""

    client_id: str
    client_secret: str = field(repr=False)
    clock: Clock = field(repr=False)
    api_base_url: str = API_BASE_URL

    def authorize_url(self, state: str, redirect_uri: str, scopes: Sequence[str]) -> str:
        """Where a person is asked for consent: beside the API, `/oauth/v2/authorize`."""
        generator = AuthorizeUrlGenerator(
            # The generator puts in what it gets as it is.
            client_id=quote(self.client_id, safe=""),
            redirect_uri=quote(redirect_uri, safe=""),
            scopes=[quote(scope, safe="") for scope in scopes],
            authorization_url=f"{self.api_base_url.removesuffix('api/')}oauth/v2/authorize",
        )
        return generator.generate(quote(state, safe=""))

    async def exchange(self, code: str, redirect_uri: str) -> Grant:
        """What a code stands for, once. Raises PlatformFailed."""
        return self._grant(await self._access(code=code, redirect_uri=redirect_uri))

    async def refresh(self, refresh_token: str) -> Tokens:
        """New tokens; the refresh token is worth nothing afterwards. Raises PlatformFailed."""
        answer = await self._access(grant_type="refresh_token", refresh_token=refresh_token)
        return self._tokens(answer)

    async def _access(self, **arguments: str) -> Given:
        # The SDK's own method for it makes a class of aiohttp's that is going away, which warns.
        login = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        with answering(METHOD):
            answer = await client_of(self.api_base_url).api_call(
                METHOD, data=arguments, headers={"Authorization": f"Basic {login}"}
            )
        return answer.data if isinstance(answer.data, dict) else {}

    def _tokens(self, answer: Given) -> Tokens:
        """Raises PlatformFailed for an answer without a bot's token."""
        access = text(answer, "access_token", _LONGEST_TOKEN)
        if answer.get("token_type") != "bot" or access is None or not access.isascii():
            raise _unfit("no bot's token")
        life: Any = answer.get("expires_in")
        if life is None:
            return Tokens(access)
        if type(life) is not int or not 0 < life < 10**9:
            raise _unfit("no life of the token")
        refresh = text(answer, "refresh_token", _LONGEST_TOKEN)
        return Tokens(access, refresh, self.clock() + timedelta(seconds=life))

    def _grant(self, answer: Given) -> Grant:
        tokens = self._tokens(answer)
        app_id = ident(answer, "app_id")
        team, enterprise = record(answer, "team"), record(answer, "enterprise")
        # Installed in the whole organisation: whatever a team is named then, it is not the installation's.
        org_wide = answer.get("is_enterprise_install") is True
        team_id = None if org_wide else ident(team, "id")
        enterprise_id = ident(enterprise, "id")
        if app_id is None or (team_id is None and (not org_wide or enterprise_id is None)):
            raise _unfit("no app, or neither a workspace nor an organisation")
        return Grant(
            app_id=app_id,
            team_id=team_id,
            enterprise_id=enterprise_id,
            tokens=tokens,
            team_name=text(enterprise if org_wide else team, "name", 200),
            bot_user_id=ident(answer, "bot_user_id"),
            scopes=scopes_of(text(answer, "scope")),
            installed_by=ident(record(answer, "authed_user"), "id"),
        )


def scopes_of(listed: str | None) -> tuple[str, ...]:
    """Scopes as Slack lists them, separated by commas."""
    return tuple(each.strip() for each in (listed or "").split(",") if each.strip())


def _unfit(lacking: str) -> PlatformFailed:
    return PlatformFailed(
        f"Slack's {METHOD}", "unfit_answer", permanent=True, told=f"the answer has {lacking}"
    )
