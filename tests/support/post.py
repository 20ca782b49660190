"""`post`: a platform that is delivered to, for tests. Its other end is `outside.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import ClientError, ClientSession, web

from adapters.contract import Delivery, Receipt
from adapters.errors import CannotLookUp, DeliveryFailed
from storage.errors import Unavailable
from storage.records import Accepted, Channel, Duplicate, Inbound, Sighting

Accept = Callable[[Inbound], Awaitable[Accepted | Duplicate]]


class PostAdapter:
    """Sends over HTTP, once. `looks_up`: the platform can be asked whether it has a message.

    `reach` is awaited just before the send and after its answer was read.
    """

    platform = "post"

    def __init__(
        self, http: ClientSession, url: str, reach: Callable[[str], Awaitable[None]], *, looks_up: bool
    ) -> None:
        self._http = http
        self._url = url
        self._reach = reach
        self._looks_up = looks_up

    async def send(self, delivery: Delivery) -> Receipt:
        await self._reach("sending")
        message = {
            "id": delivery.id,
            "address": delivery.address,
            "thread": delivery.thread_key,
            "content": delivery.content,
            "attempt": delivery.attempt,
        }
        receipt = await self._ask("POST", "/messages", json=message)
        await self._reach("sent")
        return Receipt(receipt["id"])

    async def find(self, delivery: Delivery) -> Receipt | None:
        if not self._looks_up:
            raise CannotLookUp("this platform keeps no record")
        found = await self._ask("GET", f"/messages/{delivery.id}")
        return Receipt(found["id"]) if found["id"] else None

    async def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            async with self._http.request(method, self._url + path, **more) as answer:
                body: dict[str, Any] = await answer.json()
                return body
        except ClientError as error:
            raise DeliveryFailed(type(error).__name__, permanent=False, retry_after=0.2) from error


def inbound_route(channel: Callable[[], Awaitable[Channel | None]], accept: Accept) -> web.RouteDef:
    """`POST /post/messages`: `{id, user, text, thread?}`, acknowledged with 202 once it is stored."""

    async def endpoint(request: web.Request) -> web.Response:
        event = await request.json()
        found = await channel()
        assert found is not None
        inbound = Inbound(
            found,
            Sighting(event["user"]),
            (event["id"],),
            event["text"],
            thread_key=event.get("thread", ""),
            external_message_id=event["id"],
        )
        try:
            await accept(inbound)
        except Unavailable:
            return web.json_response({}, status=503)
        return web.json_response({}, status=202)

    return web.post("/post/messages", endpoint)
