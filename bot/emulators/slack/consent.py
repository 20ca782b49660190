"""`/oauth/v2/authorize`: the page on which somebody lets an app into a workspace.

https://docs.slack.dev/authentication/installing-with-oauth
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from aiohttp import web

from bot.emulators.slack.oauth import Codes
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Enterprise, Workspace

_POLICY = "default-src 'none'; style-src 'self'; form-action *; base-uri 'none'; frame-ancestors 'none'"
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Slack | {app} is requesting permission</title>
<link rel="stylesheet" href="/page/page.css"></head>
<body class="consent"><main>
<h1>{app} is requesting permission to access Slack</h1>
<p>It wants to: <code>{scopes}</code></p>
<form method="post">{hidden}
<label>Workspace <select name="tenant">{tenants}</select></label>
<p><button class="primary" name="allow" value="1">Allow</button> <button name="allow" value="0">Cancel</button></p>
</form></main></body></html>"""


class Consent:
    """Shows the page and sends the person back to the app, with a code or with `access_denied`."""

    def __init__(self, platform: Platform, codes: Codes) -> None:
        self._platform = platform
        self._codes = codes

    async def ask(self, request: web.Request) -> web.Response:
        query = request.query
        app, problem = self._app(query.get("client_id", ""), query.get("redirect_uri"))
        if app is None:
            return _sorry(problem)
        asked = frozenset(scope for scope in query.get("scope", "").split(",") if scope)
        if unknown := asked - app.scopes:
            return _sorry(f"Invalid permissions requested: {', '.join(sorted(unknown))}")
        if not asked:
            return _sorry("No scopes requested")
        hidden = {name: query.get(name, "") for name in ("client_id", "redirect_uri", "state", "scope")}
        wanted = query.get("team", "")
        page = _PAGE.format(
            app=escape(app.name),
            scopes=escape(", ".join(sorted(asked))),
            hidden="".join(
                f'<input type="hidden" name="{name}" value="{escape(value)}">'
                for name, value in hidden.items()
            ),
            tenants="".join(
                f'<option value="{each.id}"{" selected" * (each.id == wanted)}>{escape(each.name)}</option>'
                for each in self._tenants()
            ),
        )
        return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def decide(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        app, problem = self._app(form.get("client_id", ""), form.get("redirect_uri"))
        tenant = next((each for each in self._tenants() if each.id == form.get("tenant")), None)
        if app is None or tenant is None:
            return _sorry(problem or "No such workspace")
        back = form.get("redirect_uri") or app.redirect_urls[0]
        if form.get("allow") == "1":
            scopes = frozenset(form.get("scope", "").split(","))
            code = self._codes.give(app, tenant, self._installer(tenant), back, scopes)
            answer = {"code": code, "state": form.get("state", "")}
        else:
            answer = {"error": "access_denied", "state": form.get("state", "")}
        joint = "&" if "?" in back else "?"
        raise web.HTTPFound(f"{back}{joint}{urlencode(answer)}")

    def _app(self, client_id: str, redirect_uri: str | None) -> tuple[App | None, str]:
        """The app that asks, or what is wrong. A redirect address must begin with one of the app's."""
        for app in self._platform.directory.apps.values():
            if app.client_id == client_id:
                if not app.redirect_urls or not (redirect_uri or app.redirect_urls[0]).startswith(
                    app.redirect_urls
                ):
                    return None, f"redirect_uri did not match any configured URIs. Passed URI: {redirect_uri}"
                return app, ""
        return None, "Invalid client_id parameter"

    def _tenants(self) -> list[Workspace | Enterprise]:
        directory = self._platform.directory
        return [*directory.workspaces.values(), *directory.enterprises.values()]

    def _installer(self, tenant: Workspace | Enterprise) -> str:
        """Some member of the workspace, or of one in the organisation."""
        directory = self._platform.directory
        for user in directory.users.values():
            workspace = directory.workspaces.get(user.team_id)
            if workspace and user.bot_id is None and tenant.id in (workspace.id, workspace.enterprise_id):
                return user.id
        return next(iter(directory.users))


def _sorry(problem: str) -> web.Response:
    page = f"<!DOCTYPE html><title>Slack</title><h1>Oh no, something went wrong!</h1><p>{escape(problem)}</p>"
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": _POLICY})
