"""`POST /web/v1/messages` and `GET /web/v1/messages/{reply_id}`: talking by plain HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID

from aiohttp import web

from adapters.errors import Refused
from adapters.web.exchange import Door, Endpoint, answer, authenticate, not_found, read_body
from adapters.web.parse import parse_document, parse_id, parse_message, to_inbound
from adapters.web.ports import Listening, ReplyState
from adapters.web.render import accepted_body, reply_body
from adapters.web.verify import Visitor
from storage.errors import Unavailable
from storage.records import Accepted, Channel, MessageStatus

LONGEST_WAIT_S = 20
RECHECK_S = 2.0
DEAF_RECHECK_S = 0.5


def send_message(door: Door) -> Endpoint:
    conversations = door.conversations

    async def endpoint(request: web.Request) -> web.StreamResponse:
        channel, visitor = await authenticate(door, request)
        message = parse_message(parse_document(await read_body(request)))
        taken = await conversations.accept(to_inbound(message, channel, visitor.external_id))
        message_id = taken.message.id if isinstance(taken, Accepted) else taken.message_id
        return answer(accepted_body(message_id, taken.reply_id), 202)

    return endpoint


def show_reply(door: Door) -> Endpoint:
    async def endpoint(request: web.Request) -> web.StreamResponse:
        channel, visitor = await authenticate(door, request)
        reply_id = parse_id(request.match_info["reply_id"])
        if reply_id is None:
            raise not_found()
        wait_s = _wait(request.query.get("wait"))
        if wait_s:
            state = await _wait_for_reply(door, channel, visitor, reply_id, wait_s)
        else:
            state = await door.conversations.reply(channel, visitor.external_id, reply_id)
        if state is None:
            raise not_found()
        return answer(reply_body(state, door.links(channel)))

    return endpoint


async def _wait_for_reply(
    door: Door, channel: Channel, visitor: Visitor, reply_id: UUID, wait_s: float
) -> ReplyState | None:
    """Look again whenever something happens, and now and then in case the wake-up was lost."""
    end = asyncio.get_running_loop().time() + wait_s
    async with AsyncExitStack() as stack:
        listening = await _listen(door, channel, visitor, stack)
        while True:
            state = await door.conversations.reply(channel, visitor.external_id, reply_id)
            left_s = end - asyncio.get_running_loop().time()
            if state is None or state.status is not MessageStatus.PENDING or left_s <= 0:
                return state
            if listening is None:
                await asyncio.sleep(min(left_s, DEAF_RECHECK_S))
                continue
            try:
                await listening.next(min(left_s, RECHECK_S))
            except Unavailable:
                listening = None


async def _listen(door: Door, channel: Channel, visitor: Visitor, stack: AsyncExitStack) -> Listening | None:
    """Live events, or None while there are none: whoever polls needs them only to be quick."""
    try:
        return await stack.enter_async_context(door.conversations.listen(channel, visitor.external_id))
    except Unavailable:
        return None


def _wait(text: str | None) -> float:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= LONGEST_WAIT_S):
        raise Refused(400, "invalid_wait", f"wait is a whole number of seconds from 0 to {LONGEST_WAIT_S}.")
    return int(text)
