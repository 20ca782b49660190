"""What this process knows for certain of replies that are sent in part."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.contract import Delivery
from storage.shortlived import ShortLived

_KEPT_S = 3600.0
_MOST_KEPT = 10_000


class Sent:
    """Which parts of a delivery are there after an attempt that learned all of its answers.

    Good for the attempt that follows, and no longer: another process may have sent more since.
    """

    def __init__(self) -> None:
        self._parts: ShortLived[str, tuple[int, Mapping[int, str]]] = ShortLived(
            life=_KEPT_S, capacity=_MOST_KEPT
        )

    def keep(self, delivery: Delivery, parts: Mapping[int, str]) -> None:
        """Remember what is there now, in or after this attempt."""
        self._parts.keep(delivery.id, (delivery.attempt, dict(parts)), self._parts.generation)

    def known(self, delivery: Delivery) -> Mapping[int, str] | None:
        """What is there; None where it must be looked up."""
        kept = self._parts.get(delivery.id)
        if kept is None or kept[0] not in (delivery.attempt, delivery.attempt - 1):
            return None
        return kept[1]

    def forget(self, delivery: Delivery) -> Mapping[int, str]:
        """What is known, and from now on nothing is: more is about to be sent."""
        known = self.known(delivery)
        self._parts.forget(delivery.id)
        return known or {}
