"""The frames of one visitor's stream: what was missed, then live, in order and once.

The change numbers of a session are contiguous, so a live event that is not the next one shows that
something was dropped on the way; then storage is read again from the last position. Live events
therefore only make things fast: no event of theirs is needed for a stream to be complete.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import assert_never

from adapters.web.cursor import Position, read_cursor
from adapters.web.ports import Conversations, Delta, LiveEvent, Typing
from adapters.web.render import (
    RESYNC,
    TYPING,
    FileLink,
    delta_frame,
    message_frame,
    position_of,
    status_frame,
)
from storage.records import Channel, Sender, StoredMessage

PAGE = 200


class Stream:
    """Follows one visitor; subscribe before `start`, or what happens in between waits for the next event.

    `answer_due` is set by who sends for the visitor, and falls with the next message that is not theirs.
    """

    def __init__(
        self, conversations: Conversations, channel: Channel, external_user_id: str, link: FileLink
    ) -> None:
        self._conversations = conversations
        self._channel = channel
        self._external_user_id = external_user_id
        self._link = link
        self._position: Position | None = None
        self.answer_due = False

    async def start(self, cursor: str | None) -> AsyncIterator[bytes]:
        """The frames after `cursor`; without one the stream begins now."""
        if cursor is None:
            await self.begin_now()
            return
        self._position = read_cursor(cursor)
        if self._position is None:
            await self.begin_now()
            yield RESYNC
            return
        async for frame in self.missed():
            yield frame

    async def take(self, event: LiveEvent) -> AsyncIterator[bytes]:
        """The frames that a live event calls for: none for one already seen, all missed ones after a gap."""
        match event:
            case Delta():
                yield delta_frame(event)
            case Typing():
                yield TYPING
            case StoredMessage():
                position = self._position
                if (
                    position is None
                    or event.session_id != position.session_id
                    or event.change > position.change + 1
                ):
                    async for frame in self.missed():
                        yield frame
                elif event.change == position.change + 1:
                    self._position = Position(event.session_id, event.change)
                    yield self._frame(event, event.change)
            case _:
                assert_never(event)

    async def missed(self) -> AsyncIterator[bytes]:
        """Everything after the last frame, read from storage page by page."""
        complete = False
        while not complete:
            after = self._position
            rows = await self._conversations.since(
                self._channel,
                self._external_user_id,
                session_id=after.session_id if after else None,
                change=after.change if after else 0,
                limit=PAGE,
            )
            if rows is None:
                await self.begin_now()
                yield RESYNC
                return
            complete = len(rows) < PAGE
            for position, message in unfold(rows, after, complete=complete):
                self._position = position
                yield self._frame(message, position.change)

    def _frame(self, message: StoredMessage, change: int) -> bytes:
        if change != message.created_change:
            return status_frame(message)
        if message.sender is not Sender.USER:
            self.answer_due = False
        return message_frame(message, change, self._link)

    async def begin_now(self) -> None:
        """Leave out everything that has been said so far."""
        newest = await self._conversations.history(
            self._channel, self._external_user_id, before=None, limit=1
        )
        self._position = position_of(newest or ())


def unfold(
    rows: Sequence[StoredMessage], after: Position | None, *, complete: bool
) -> Iterator[tuple[Position, StoredMessage]]:
    """The changes after `after`, in order, out of rows that are as they stand now.

    A row born after the cursor and altered since stands for two changes: its birth and its last
    alteration. Rows come ordered by the first of their changes that the reader lacks, so what lies
    beyond the last row's of a page that was cut off is left to the next page.
    """
    for session_id in dict.fromkeys(row.session_id for row in rows):
        floor = after.change if after is not None and after.session_id == session_id else 0
        steps = []
        for row in rows:
            if row.session_id == session_id:
                if row.created_change > floor:
                    steps.append((row.created_change, row))
                if row.change > max(row.created_change, floor):
                    steps.append((row.change, row))
        if not complete and rows[-1].session_id == session_id:
            last = rows[-1]
            ceiling = last.created_change if last.created_change > floor else last.change
            steps = [step for step in steps if step[0] <= ceiling]
        for change, row in sorted(steps, key=lambda step: step[0]):
            yield Position(session_id, change), row
