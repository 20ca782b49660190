"""The page at `/`, on which a person chats as one of the users."""

from __future__ import annotations

import asyncio
import binascii
import json
from base64 import b64decode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.emulators.slack.page_state import state_for
from bot.emulators.slack.person import Person
from bot.emulators.slack.platform import Platform
from bot.emulators.slack.records import App, Enterprise, Installation, Json, Message, Workspace
from bot.emulators.slack.refusals import Refused

_FILES = Path(__file__).parent / "page"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEARTBEAT_SECONDS = 15.0

Install = Callable[[App, Workspace | Enterprise], Installation]


class Page:
    """Serves the page, tells it that something has changed, and does what a person does on it."""

    def __init__(self, platform: Platform, person: Callable[[str], Person], install: Install) -> None:
        self._platform = platform
        self._person = person
        self._install = install

    def routes(self) -> list[web.RouteDef]:
        return [
            *(
                web.get("/" if path.name == "index.html" else f"/page/{path.name}", _file(path))
                for path in sorted(_FILES.iterdir())
                if path.suffix in _TYPES
            ),
            web.get("/page/state", self._state),
            web.get("/page/changes", self._changes),
            web.post("/page/do", self._do),
        ]

    async def _state(self, request: web.Request) -> web.Response:
        """Everything that the page shows to a user."""
        users = [user for user in self._platform.directory.users.values() if user.bot_id is None]
        named = request.query.get("user", "")
        user = named if any(user.id == named for user in users) else users[0].id
        return web.json_response(state_for(self._platform, self._person(user)))

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        """An event for each change; several at once are one."""
        happened = asyncio.Event()
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        self._platform.watch(happened.set)
        try:
            await response.write(b": hello\n\n")
            while self._platform.is_open:
                said = b": still here\n\n"
                with suppress(TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT_SECONDS):
                        await happened.wait()
                        said = b"data: changed\n\n"
                happened.clear()
                await response.write(said)
        except ConnectionResetError:
            pass
        finally:
            self._platform.unwatch(happened.set)
        return response

    async def _do(self, request: web.Request) -> web.Response:
        """Do what a person does. Only JSON is taken, which no other site can send without being asked."""
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "not_json"}, status=415)
        try:
            given = json.loads(await request.read())
            done = await self._doing(str(given["do"]), self._person(str(given["user"])), given)
        except Refused as refused:
            return web.json_response(refused.body)
        except (KeyError, TypeError, ValueError, StopIteration, binascii.Error) as error:
            return web.json_response({"ok": False, "error": f"invalid request: {error!r}"}, status=400)
        return web.json_response({"ok": True, **done})

    async def _doing(self, what: str, person: Person, given: Json) -> Json:
        deeds: dict[str, Callable[[], Awaitable[Any] | Any]] = {
            "write": lambda: self._write(person, given),
            "edit": lambda: person.edits(self._message(given), given["text"]),
            "delete": lambda: person.deletes(self._message(given)),
            "react": lambda: person.reacts(self._message(given), given["name"]),
            "unreact": lambda: person.unreacts(self._message(given), given["name"]),
            "press": lambda: person.presses(
                self._message(given), given["action"], chosen=given.get("chosen")
            ),
            "choose": lambda: person.chooses(
                self._message(given), given["action"], given["choice"], chosen=given.get("chosen")
            ),
            "rate": lambda: person.rates(self._message(given), good=bool(given["good"])),
            "submit": lambda: person.submits(given.get("values")),
            "close": person.closes,
            "press_in_view": lambda: person.presses_in_view(
                given["action"], given.get("choice"), home=bool(given.get("home"))
            ),
            "command": lambda: person.commands(given["text"], given["channel"], command=given["command"]),
            "stop": lambda: person.agent.stops(given["channel"], given["thread"]),
            "open": lambda: person.agent.opens(given.get("looking_at"), tab=given.get("tab", "messages")),
            "uninstall": person.uninstalls,
            "install": lambda: self._reinstall(person),
        }
        if what not in deeds:
            raise Refused("unknown_deed", what)
        done = deeds[what]()
        if not isinstance(done, Awaitable):
            return {}
        answer = await done
        said = answer.body if isinstance(answer.body, dict) else {}
        return {"failure": answer.failure, "errors": said.get("errors", {})}

    def _write(self, person: Person, given: Json) -> None:
        thread = given.get("thread")
        file = given.get("file")
        if file:
            content = b64decode(file["content"], validate=True)
            person.shares(file["name"], content, given["text"], given["channel"], thread=thread)
        else:
            person.writes(
                given["text"], given["channel"], thread=thread, broadcast=bool(given.get("broadcast"))
            )

    def _reinstall(self, person: Person) -> None:
        directory = self._platform.directory
        app = next(iter(directory.apps.values()))
        self._install(app, directory.workspaces[person.user.team_id])
        self._platform.changed()

    def _message(self, given: Json) -> Message:
        found = self._platform.transcript.any_of(given["channel"], given["ts"])
        if found is None:
            raise Refused("message_not_found")
        return found


def _file(path: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Serve one file, read once."""
    content = path.read_bytes()
    tag = f'"{sha256(content).hexdigest()[:20]}"'
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
        "ETag": tag,
    }

    async def endpoint(request: web.Request) -> web.StreamResponse:
        if tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=content, headers=headers)

    return endpoint
