"""Which parts of a delivery Slack has, where an answer was lost: read from the conversation itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from adapters.contract import Delivery
from adapters.errors import CannotLookUp, PlatformFailed
from adapters.slack.calling import SlackCalls
from adapters.slack.letter import Part
from adapters.slack.receipts import DRAFT_TYPE, part_in
from adapters.slack.rooms import Room
from adapters.slack.shown import names_of
from adapters.slack.untrusted import Given, entries, record, stamp, text

# Our clock and Slack's may differ by so much.
_EARLIER = timedelta(minutes=15)
_A_PAGE = 200
_MOST_PAGES = 5


class Lookup:
    """Searches the messages since the delivery was made, a few pages of them."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls

    async def parts(self, delivery: Delivery, room: Room, parts: Sequence[Part]) -> dict[int, str]:
        """The names (see receipts.py) of the parts that are there, by number.

        Raises CannotLookUp where Slack does not let us or there is too much to read; PlatformFailed, which is not
        permanent, and Unavailable.
        """
        there: dict[int, str] = {}
        shared: list[Given] = []
        async for messages in self._pages(delivery, room):
            for ts, message in messages:
                number = part_in(message, delivery.id)
                if number is not None and number < len(parts):
                    there[number] = ts
                elif message.get("files"):
                    shared.append(message)
            if len(_with_files(there, shared, parts)) == len(parts):
                break
        return _with_files(there, shared, parts)

    async def strays(self, delivery: Delivery, room: Room) -> tuple[list[str], bool]:
        """The delivery's drafts that it does not know of, in order; and whether there is a stream without a name.

        Raises as `parts` does.
        """
        drafts: dict[int, str] = {}
        has_stream = False
        named = names_of(delivery)
        async for messages in self._pages(delivery, room):
            for ts, message in messages:
                number = part_in(message, delivery.id, DRAFT_TYPE)
                if number is not None and ts not in named:
                    drafts[number] = ts
                # What we post says whose it is, files excepted, and streams until they end.
                elif ts not in named and not message.get("metadata") and not message.get("files"):
                    has_stream = True
        return [ts for _, ts in sorted(drafts.items())], has_stream

    async def _pages(self, delivery: Delivery, room: Room) -> AsyncIterator[list[tuple[str, Given]]]:
        """What our app wrote there since, by `ts`, page by page."""
        cursor: str | None = None
        for page in range(_MOST_PAGES):
            answer = await self._read(delivery, room, cursor, page)
            stamped = [(stamp(each, "ts"), each) for each in map(record, entries(answer, "messages", 1_000))]
            yield [(ts, message) for ts, message in stamped if ts and _is_ours(message, delivery)]
            cursor = text(record(answer, "response_metadata"), "next_cursor")
            if cursor is None:
                return
        raise CannotLookUp(f"more than {_MOST_PAGES} pages of messages since then")

    async def _read(self, delivery: Delivery, room: Room, cursor: str | None, page: int) -> Given:
        method = "conversations.history" if room.thread_ts is None else "conversations.replies"
        arguments: dict[str, Any] = {
            "channel": room.channel,
            "ts": room.thread_ts,
            "include_all_metadata": True,
            "limit": _A_PAGE,
            "cursor": cursor,
        }
        if delivery.created_at is not None:
            arguments["oldest"] = f"{(delivery.created_at - _EARLIER).timestamp():.6f}"
        try:
            return await self._calls.call(
                delivery.channel, method, arguments, ticket=(delivery.id, "look up", page)
            )
        except PlatformFailed as failed:
            if failed.permanent:
                raise CannotLookUp(str(failed)) from None
            raise


def _is_ours(message: Given, delivery: Delivery) -> bool:
    """Whether our app wrote it: others could copy what they read."""
    app_id = delivery.channel.account.partition("/")[0]
    return bool(message.get("bot_id")) and message.get("app_id") in (None, app_id)


def _with_files(there: Mapping[int, str], shared: Sequence[Given], parts: Sequence[Part]) -> dict[int, str]:
    """With the uploads, which carry no metadata: ours of that name, after the part that goes before it."""
    found = dict(there)
    for number, part in enumerate(parts):
        if part.upload is None or number in found:
            continue
        if number and number - 1 not in found:
            continue
        after = found.get(number - 1, "")
        for message in sorted(shared, key=lambda each: str(each["ts"])):
            titles = {record(file).get("title") for file in entries(message, "files")}
            if str(message["ts"]) > after and part.upload.name in titles:
                found[number] = str(message["ts"])
                break
    return found
