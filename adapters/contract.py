"""What every platform's adapter is to the runtime.

An adapter folder has `adapter.py` (this contract), `verify.py`, `parse.py` (pure: payload to Inbound)
and `render.py` (pure: reply to the platform's form). It never touches the database: what must travel up
(an event to accept) is a callable handed in by the composition root.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from storage.records import Channel, ContentType


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply's way to one platform. `id` is stable over retries: put it into the platform's metadata.

    `thread_key` is the session's, empty for what goes to an address outside of it (a one-time code). `created_at`:
    no attempt was made before. `external_id`: the reply was shown there while it was written, in messages called so.
    `opening`: a message was about to be opened for that, and nobody knows whether it was.
    """

    id: str
    channel: Channel
    address: str
    thread_key: str
    content: str
    content_type: ContentType
    attempt: int
    created_at: datetime | None = None
    external_id: str | None = None
    opening: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform took it; `external_id` is its own id of the message, where it tells one.

    Where a reply became several messages it is their ids, in order, with commas between them.
    """

    external_id: str | None


class PushAdapter(Protocol):
    """An adapter whose replies are sent by a delivery worker (every platform but the web widget)."""

    platform: str

    async def send(self, delivery: Delivery) -> Receipt:
        """Send once, without retrying; what `find` found in part is completed. Raises DeliveryFailed."""

    async def find(self, delivery: Delivery) -> Receipt | None:
        """Look up a send whose answer was lost; None when it is not there, or not whole.

        Raises CannotLookUp, and DeliveryFailed where it can be looked up later.
        """


@runtime_checkable
class StreamingAdapter(PushAdapter, Protocol):
    """A platform on which a reply is shown while it is written, in messages that stay.

    `content` of the deliveries that show is the text so far, and `external_id` names the messages that are there.
    The reply's end is a delivery as all others: `send` turns those messages into what was committed.
    """

    async def open_stream(self, delivery: Delivery) -> str:
        """Open the reply's next message with what of the text belongs into it; all their ids, as a receipt's.

        Raises DeliveryFailed: with `unsure` it may be there all the same; with `retry_after` it is worth another try.
        """

    async def append_stream(self, delivery: Delivery) -> bool:
        """Show the text so far; False when it needs another message. Raises DeliveryFailed, as `open_stream`.

        The text may begin anew, in a later attempt of the turn.
        """

    async def retract(self, delivery: Delivery) -> None:
        """Take away what was shown of a reply that came to nothing. Raises DeliveryFailed."""
