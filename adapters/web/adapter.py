"""The web platform on an aiohttp application: the web protocol, the widget and the demo page."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from aiohttp import web

from adapters.web.exchange import Door, preflight, refusing
from adapters.web.files import demo_routes, widget_routes
from adapters.web.history import show_history
from adapters.web.messages import send_message, show_reply
from adapters.web.ports import Conversations, Uploads
from adapters.web.sessions import open_session
from adapters.web.sites import show_site
from adapters.web.socket import close_sockets, open_socket
from adapters.web.tickets import issue_ticket
from adapters.web.tokens import Tokens
from adapters.web.uploads import take_file
from storage.clock import Clock

PLATFORM = "web"


def mount(
    app: web.Application,
    conversations: Conversations,
    uploads: Uploads,
    tokens: Tokens,
    file_url: Callable[[UUID, UUID], str],
    clock: Clock,
    *,
    demo_page: bool = False,
    token_in_url: bool = False,
) -> None:
    """Add the web protocol and the widget to `app`.

    `file_url` makes the link of a tenant's file, good for a short while. `demo_page` serves `/`, and `token_in_url`
    lets a socket open by `?token=`: both are for `run`.
    """
    door = Door(conversations, uploads, tokens, file_url, token_in_url)
    open_sockets: set[web.WebSocketResponse] = set()

    async def say_goodbye(_: web.Application) -> None:
        await close_sockets(open_sockets)

    app.on_shutdown.append(say_goodbye)
    app.add_routes(
        [
            web.get("/web/v1/sites/{site}", refusing(show_site(door))),
            web.post("/web/v1/sessions", refusing(open_session(door, clock))),
            web.post("/web/v1/tickets", refusing(issue_ticket(door))),
            web.get("/web/v1/ws", refusing(open_socket(door, open_sockets))),
            web.post("/web/v1/messages", refusing(send_message(door))),
            web.get("/web/v1/messages", refusing(show_history(door))),
            web.get("/web/v1/messages/{reply_id}", refusing(show_reply(door))),
            web.post("/web/v1/attachments", refusing(take_file(door))),
            web.options("/web/v1/{call:.*}", preflight),
            *widget_routes(),
            *(demo_routes() if demo_page else []),
        ]
    )
