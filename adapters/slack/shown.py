"""What this process knows of replies that are shown in Slack while they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.contract import Delivery
from adapters.slack.message import Message
from adapters.slack.receipts import stamps_of
from adapters.slack.streaming import Sent
from storage.shortlived import ShortLived

_KEPT_S = 3600.0
_MOST_KEPT = 10_000


@dataclass(slots=True)
class Shown:
    """A reply's messages by their `ts`, in order, and how far the last one has got.

    `streams`: the messages are streams, of which `said` is all that was appended, and `sent` the place in it. Else
    they are ordinary messages that are updated, and `drafts` are what they show. `open_since`: the last one is a
    stream that still runs, since then.
    """

    names: list[str]
    streams: bool
    said: str = ""
    sent: Sent = field(default_factory=Sent)
    open_since: float | None = None
    drafts: dict[int, Message] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        """What comes next begins another message."""
        return self.sent.upto == self.sent.began > 0


class ShownReplies:
    """Remembered by delivery; good only for as long as no other process has shown more of it."""

    def __init__(self) -> None:
        self._kept: ShortLived[str, Shown] = ShortLived(life=_KEPT_S, capacity=_MOST_KEPT)
        self._adopted: ShortLived[str, Sequence[str]] = ShortLived(life=_KEPT_S, capacity=_MOST_KEPT)

    def of(self, delivery: Delivery) -> Shown | None:
        """What is known, where it is of the messages that the delivery names."""
        kept = self._kept.get(delivery.id)
        return kept if kept is not None and kept.names == names_of(delivery) else None

    def keep(self, delivery: Delivery, shown: Shown) -> None:
        self._kept.keep(delivery.id, shown, self._kept.generation)

    def adopt(self, delivery: Delivery, found: Sequence[str]) -> None:
        """Messages of the delivery that it does not name."""
        self._adopted.keep(delivery.id, found, self._adopted.generation)

    def names(self, delivery: Delivery) -> Sequence[str]:
        """The delivery's messages, those that were found included."""
        return [*names_of(delivery), *(self._adopted.get(delivery.id) or ())]

    def forget(self, delivery: Delivery) -> None:
        self._kept.forget(delivery.id)


def names_of(delivery: Delivery) -> Sequence[str]:
    """The messages that were opened for a delivery, in order."""
    return stamps_of(delivery.external_id or "")
