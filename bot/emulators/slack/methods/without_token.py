"""Methods that no bot's token is for: api.test, oauth.v2.access and apps.connections.open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.emulators.slack.arguments import Arguments
from bot.emulators.slack.grants import Issued
from bot.emulators.slack.oauth import Codes
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Installation, Json
from bot.emulators.slack.refusals import Refused


def api_test(arguments: Arguments) -> Json:
    """Says what it was told, and fails if told to."""
    said: Json = {"args": arguments.given} if arguments.given else {}
    if "error" in arguments:
        raise Refused(str(arguments.text("error")), **said)
    return {"ok": True, **said}


def oauth_access(
    platform: Platform, codes: Codes, arguments: Arguments, basic: tuple[str, str] | None
) -> Json:
    """Exchange a code or a refresh token for a token. `basic`: client id and secret from the header."""
    app = _client(
        platform, basic or (arguments.text("client_id") or "", arguments.text("client_secret") or "")
    )
    kind = arguments.text("grant_type") or "authorization_code"
    if kind == "refresh_token":
        installation, issued = platform.grants.renew(app, arguments.text("refresh_token"))
    elif kind == "authorization_code":
        installation = codes.redeem(app, arguments.text("code"), arguments.text("redirect_uri"))
        issued = platform.grants.issue(app, installation)
    else:
        raise Refused("invalid_grant_type")
    return _installed(platform, app, installation, issued)


def open_connection(platform: Platform, token: str | None, new_url: Callable[[App], str]) -> Json:
    """An address for Socket Mode, by the app's own token. Raises Refused."""
    if not token:
        raise Refused("not_authed")
    app = next((app for app in platform.directory.apps.values() if app.app_token == token), None)
    if app is None:
        raise Refused("invalid_auth" if token.startswith("xapp-") else "not_allowed_token_type")
    if app.socket_mode is False:
        raise Refused("access_denied")
    return {"ok": True, "url": new_url(app)}


def _client(platform: Platform, given: tuple[str, str]) -> App:
    id_, secret = given
    app = next((app for app in platform.directory.apps.values() if app.client_id == id_), None)
    if app is None:
        raise Refused("invalid_client_id")
    if secret != app.client_secret:
        raise Refused("bad_client_secret")
    return app


def _installed(platform: Platform, app: App, installation: Installation, issued: Issued) -> Json:
    directory = platform.directory
    team: Any = None
    if installation.team_id is not None:
        team = {"id": installation.team_id, "name": directory.workspaces[installation.team_id].name}
    enterprise: Any = None
    if installation.enterprise_id is not None:
        name = directory.enterprises[installation.enterprise_id].name
        enterprise = {"id": installation.enterprise_id, "name": name}
    answer: Json = {
        "ok": True,
        "app_id": app.id,
        "authed_user": {"id": installation.installer},
        "scope": ",".join(sorted(installation.scopes)),
        "token_type": "bot",
        "access_token": issued.token,
        "bot_user_id": installation.bot_user_id,
        "team": team,
        "enterprise": enterprise,
        "is_enterprise_install": installation.team_id is None,
    }
    if issued.refresh_token is not None:
        answer |= {"refresh_token": issued.refresh_token, "expires_in": issued.expires_in}
    return answer
