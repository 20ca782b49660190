"""People who talk to a running Parley from outside: over HTTP, over a WebSocket, through the platform `post`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType

Line = tuple[str, str]


def text_of(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else str(content["text"])


def payload_of(message: dict[str, Any], label: str) -> str:
    """What pressing the button with this label sends."""
    [found] = [choice for choice in message["content"]["choices"] if choice["label"] == label]
    return str(found["payload"])


@dataclass
class Visitor:
    """A visitor of the web site. `sent` are (id, text) of all that was said, acknowledged or not."""

    http: ClientSession
    url: str
    token: str
    sent: list[Line] = field(default_factory=list)

    @classmethod
    async def enter(cls, http: ClientSession, url: str, site: str = "acme") -> Visitor:
        async with http.post(f"{url}/web/v1/sessions", json={"site": site}) as answer:
            assert answer.status == 200, await answer.text()
            return cls(http, url, (await answer.json())["token"])

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        url = f"{self.url}/web/v1/{path}"
        async with self.http.request(method, url, headers=self.headers, **more) as answer:
            return answer.status, await answer.json()

    async def send(self, text: str, message_id: str | None = None, **more: Any) -> str:
        """Send once; returns the id under which the reply will be. Fails when it is not taken."""
        message_id = message_id or uuid4().hex
        self.sent.append((message_id, text))
        status, taken = await self.call("POST", "messages", json={"id": message_id, "text": text, **more})
        assert status == 202, taken
        return str(taken["reply_id"])

    async def insist(self, text: str, message_id: str | None = None, within_s: float = 60.0) -> str:
        """Send, and again with the same id until it is taken, as a client does."""
        message_id = message_id or uuid4().hex
        if (message_id, text) not in self.sent:
            self.sent.append((message_id, text))
        async with asyncio.timeout(within_s):
            while True:
                try:
                    status, taken = await self.call("POST", "messages", json={"id": message_id, "text": text})
                    if status == 202:
                        return str(taken["reply_id"])
                    assert status == 503, taken
                except ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def insist_on_all(self, *, at: str) -> None:
        """Resend everything ever said, in its order, to the process that is there now."""
        self.url = at
        for message_id, text in self.sent:
            await self.insist(text, message_id)

    async def answer(self, reply_id: str, within_s: float = 30.0) -> list[str]:
        """All that the turn said, once it is over."""
        async with asyncio.timeout(within_s):
            while True:
                status, state = await self.call("GET", f"messages/{reply_id}?wait=10")
                if status == 200 and state["status"] != "pending":
                    break
                assert status in (200, 503), state
                await asyncio.sleep(0.05)
        further = [await self.call("GET", f"messages/{each}") for each in state["more"]]
        first = [state["message"]] if state.get("message") else []
        return [text_of(message) for message in [*first, *(each["message"] for _, each in further)]]

    async def say(self, text: str, **more: Any) -> list[str]:
        return await self.answer(await self.send(text, **more))

    async def messages(self) -> list[dict[str, Any]]:
        """The whole history, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            before = f"&before={found[0]['message_id']}" if found else ""
            status, page = await self.call("GET", f"messages?limit=200{before}")
            assert status == 200, page
            found = page["messages"] + found
            if len(page["messages"]) < 200:
                return found

    async def transcript(self) -> list[Line]:
        return [(each["sender_type"], text_of(each)) for each in await self.messages()]

    async def ticket(self) -> str:
        status, answer = await self.call("POST", "tickets")
        assert status == 200, answer
        return str(answer["ticket"])

    @asynccontextmanager
    async def socket(self, cursor: str | None = None) -> AsyncIterator[Socket]:
        parameters = {"ticket": await self.ticket()} | ({"cursor": cursor} if cursor else {})
        async with self.http.ws_connect(f"{self.url}/web/v1/ws", params=parameters) as open_one:
            yield Socket(open_one)


class Socket:
    """One open WebSocket."""

    def __init__(self, connection: ClientWebSocketResponse[bool]) -> None:
        self._connection = connection

    async def send(self, **frame: Any) -> None:
        await self._connection.send_str(json.dumps(frame))

    async def next(self, *kinds: str, within_s: float = 20.0) -> dict[str, Any]:
        """The next frame, of these kinds if any are named."""
        async with asyncio.timeout(within_s):
            while True:
                message = await self._connection.receive()
                assert message.type is WSMsgType.TEXT, f"the socket ended: {message}"
                frame: dict[str, Any] = json.loads(message.data)
                if not kinds or frame["type"] in kinds:
                    return frame


@dataclass
class Correspondent:
    """A person on the platform `post`, in one thread."""

    http: ClientSession
    url: str
    name: str
    thread: str = ""
    sent: list[Line] = field(default_factory=list)

    async def insist(self, text: str, message_id: str | None = None, within_s: float = 60.0) -> None:
        """Post, and again with the same id until it is taken, as a platform does."""
        message_id = message_id or uuid4().hex
        if (message_id, text) not in self.sent:
            self.sent.append((message_id, text))
        event = {"id": message_id, "user": self.name, "text": text, "thread": self.thread}
        async with asyncio.timeout(within_s):
            while True:
                try:
                    async with self.http.post(f"{self.url}/post/messages", json=event) as answer:
                        if answer.status == 202:
                            return
                        assert answer.status == 503, answer.status
                except ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def insist_on_all(self, *, at: str) -> None:
        self.url = at
        for message_id, text in self.sent:
            await self.insist(text, message_id)
