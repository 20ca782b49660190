"""`GET /slack/install` and `GET /slack/oauth_redirect`: a workspace takes the app, for the tenant of a signed link.

Who may install for a tenant is who has a link of `parley slack install-link`. An organisation's own "install" button
sends people to the second address without a state (https://github.com/slackapi/java-slack-sdk/issues/828): it says no
tenant, so it is refused like any missing state. The state comes back in the browser that began, and no other:
a cookie holds what the state's digest is of.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

import structlog
from aiohttp import web

from adapters.errors import PlatformFailed
from adapters.slack.install_links import InstallLinks
from adapters.slack.manifest import BOT_SCOPES, INSTALL_PATH, REDIRECT_PATH
from adapters.slack.oauth import SlackApp
from adapters.slack.pages import page
from adapters.slack.ports import InstallStates, SaveGrant
from storage.errors import Conflict, Invalid, NotFound, Unavailable
from storage.installations import Grant

log = structlog.get_logger("parley.slack")

STATE_LIFE_S = 600

_COOKIE = "parley_slack_install"
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[\x21-\x7e]{1,1000}")
_AGAIN = "Open the link that you were given once more, and finish within ten minutes in the same browser."

Endpoint: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class InstallDoor:
    """What the two pages are built on. `app` None: the process has no app that could be installed.

    `public_url` is where people reach this server, without a slash at its end; what a request says of it is not
    believed.
    """

    public_url: str
    app: SlackApp | None
    links: InstallLinks
    states: InstallStates
    save: SaveGrant

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}{REDIRECT_PATH}"

    @property
    def is_secure(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def cookie(self) -> str:
        """Under https with the prefix by which browsers let no other host of the domain set it."""
        return f"__Host-{_COOKIE}" if self.is_secure else _COOKIE


def mount(app: web.Application, door: InstallDoor) -> None:
    """Add the two pages."""
    app.add_routes(
        [
            web.get(INSTALL_PATH, _open_to_all_or_none(_begin, door), allow_head=False),
            web.get(REDIRECT_PATH, _open_to_all_or_none(_finish, door), allow_head=False),
        ]
    )


def _open_to_all_or_none(
    step: Callable[[InstallDoor, SlackApp, web.Request], Awaitable[web.StreamResponse]], door: InstallDoor
) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        if door.app is None:
            return page(404, "No Slack app", "This server has no Slack app that could be installed.")
        try:
            return await step(door, door.app, request)
        except Unavailable as error:
            log.warning("slack_install_unavailable", error=str(error))
            return page(
                503, "Not now", "This cannot be done at the moment.", _AGAIN, retry_after=error.retry_after
            )

    return endpoint


async def _begin(door: InstallDoor, app: SlackApp, request: web.Request) -> web.StreamResponse:
    tenant_id = door.links.read(_only(request, "tenant") or "")
    if tenant_id is None:
        return page(
            403,
            "This link does not work",
            "It is over, or was not copied whole. Ask whoever runs this server for a new one.",
        )
    # Kept over several tabs, so that each of them can be finished.
    browser = request.cookies.get(door.cookie, "")
    if not _BROWSER.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    state = await door.states.issue(tenant_id, {"tenant": str(tenant_id), "browser": _digest(browser)})
    response = page(302, "On to Slack", "Your browser should have gone on to Slack.")
    response.headers["Location"] = app.authorize_url(state, door.redirect_uri, BOT_SCOPES)
    response.set_cookie(
        door.cookie,
        browser,
        max_age=STATE_LIFE_S,
        # Slack sends the browser back from its own site, which Lax allows and Strict would not.
        samesite="Lax",
        secure=door.is_secure,
        httponly=True,
        path="/",
    )
    return response


async def _finish(door: InstallDoor, app: SlackApp, request: web.Request) -> web.StreamResponse:
    tenant_id = await _returning(door, request)
    if tenant_id is None:
        return page(400, "This installation was not begun here", _AGAIN)
    error = _only(request, "error")
    if error is not None:
        return _declined(error, tenant_id)
    code = _only(request, "code")
    if code is None or not _CODE.fullmatch(code):
        return page(400, "Slack sent no code", _AGAIN)
    try:
        grant = await app.exchange(code, door.redirect_uri)
        # The tokens of a grant that is not kept are left alone: where another tenant has the workspace, Slack may
        # have given out that tenant's own token once more.
        await door.save(tenant_id, grant)
    except PlatformFailed as failed:
        log.warning("slack_install_failed", tenant=str(tenant_id), code=failed.code, error=str(failed))
        return page(502, "Slack did not confirm the installation", _AGAIN)
    except Conflict:
        log.warning("slack_install_refused", tenant=str(tenant_id), reason="the workspace has another tenant")
        return page(
            409,
            "This workspace has a bot already",
            "It is connected to another bot of this server. Ask whoever runs the server to free it first.",
        )
    except (NotFound, Invalid) as refused:
        log.warning("slack_install_refused", tenant=str(tenant_id), reason=str(refused))
        return page(400, "This cannot be installed", "Ask whoever runs this server for a new link.")
    return _installed(tenant_id, grant)


async def _returning(door: InstallDoor, request: web.Request) -> UUID | None:
    """The tenant of the state that came back, if it is the one that this browser was sent away with."""
    state, browser = _only(request, "state"), request.cookies.get(door.cookie, "")
    if state is None:
        return None
    claims = await door.states.redeem(state)
    if claims is None or not _BROWSER.fullmatch(browser):
        return None
    if not hmac.compare_digest(str(claims["browser"]), _digest(browser)):
        log.warning("slack_install_refused", tenant=claims["tenant"], reason="another browser came back")
        return None
    return UUID(str(claims["tenant"]))


def _declined(error: str, tenant_id: UUID) -> web.Response:
    if error == "access_denied":
        return page(200, "Nothing was installed", "You can open the link again whenever you like.")
    log.warning("slack_install_failed", tenant=str(tenant_id), code=error[:80])
    return page(502, "Slack did not install the app", _AGAIN)


def _installed(tenant_id: UUID, grant: Grant) -> web.Response:
    lacking = sorted(set(BOT_SCOPES) - set(grant.scopes))
    log.info(
        "slack_installed", tenant=str(tenant_id), app=grant.app_id, account=grant.account, lacking=lacking
    )
    where = grant.team_name or ("your organisation" if grant.team_id is None else "your workspace")
    return page(
        200,
        "Installed",
        f"The bot is in {where} now. Write to it under Apps in Slack, or mention it in a channel.",
        "You can close this page.",
    )


def _only(request: web.Request, name: str) -> str | None:
    """A parameter that was given exactly once."""
    given = request.query.getall(name, [])
    return given[0] if len(given) == 1 else None


def _digest(browser: str) -> str:
    return hashlib.sha256(browser.encode()).hexdigest()
