"""What every platform's adapter is to the runtime.

An adapter folder has `adapter.py` (this contract), `verify.py`, `parse.py` (pure: payload to Inbound)
and `render.py` (pure: reply to the platform's form). It never touches the database: what must travel up
(an event to accept) is a callable handed in by the composition root.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.records import Channel, ContentType


@dataclass(frozen=True, slots=True)
class Delivery:
    """One reply's way to one platform. `id` is stable over retries: put it into the platform's metadata.

    `thread_key` is the session's, empty for what goes to an address outside of it (a one-time code). `created_at`:
    no attempt was made before.
    """

    id: str
    channel: Channel
    address: str
    thread_key: str
    content: str
    content_type: ContentType
    attempt: int
    created_at: datetime | None = None


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
