"""Files over HTTP: uploads to the addresses that were handed out, and `url_private`.

https://docs.slack.dev/messaging/working-with-files
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from aiohttp import web

from bot.emulators.slack.arguments import Arguments
from bot.emulators.slack.methods.caller import Caller
from bot.emulators.slack.methods.files import may_see
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.refusals import Refused

_LOGIN = """<!DOCTYPE html><html lang="en"><head><title>Sign in | Slack</title></head>
<body><h1>Sign in to your workspace</h1></body></html>"""


class Downloads:
    """Takes and gives files. Whoever may not read one gets a page to sign in, with status 200, as from Slack."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    async def upload(self, request: web.Request) -> web.Response:
        file = self._platform.files.get(request.match_info["file"])
        if file is None:
            return web.Response(status=404, text="404 - Not Found")
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            field = next((each for each in form.values() if isinstance(each, web.FileField)), None)
            content = field.file.read() if field is not None else b""
        else:
            content = await request.read()
        if not content:
            return web.Response(status=400, text="400 - Bad Request")
        self._platform.files[file.id] = replace(file, content=content, size=len(content))
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.Response:
        _, _, id_ = request.match_info["file"].partition("-")
        file = self._platform.files.get(id_)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            installation = self._platform.grants.read(token if scheme.lower() == "bearer" else None)
            caller = Caller(self._platform, installation, Arguments({}), token)
            caller.require("files:read")
            if file is None or file.content is None or file.deleted or not may_see(caller, file):
                raise Refused("file_not_found")
        except Refused:
            raise web.HTTPFound(f"/signin?redir={quote(request.path)}") from None
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)

    async def sign_in(self, _: web.Request) -> web.Response:
        return web.Response(text=_LOGIN, content_type="text/html")
