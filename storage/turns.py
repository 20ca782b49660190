"""The turn store: how a message is accepted, its turn claimed, checkpointed and committed.

Every persistence mode is one implementation of this port, under one contract suite
(`tests/storage/test_turn_store.py`). `durable` is in `storage/durable.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol
from uuid import UUID

from storage.outcomes import NewState, Outcome
from storage.records import Accepted, Committed, Duplicate, Entry, Inbound, Turn


class TurnStore(Protocol):
    async def accept(self, inbound: Inbound, *, claim: bool) -> Accepted | Duplicate:
        """Store the event once, in one transaction, and claim its idle session if `claim`.

        Its files become its message's, all of them, or nothing is stored and NotFound raised.
        """

    async def load(self, tenant_id: UUID, session_id: UUID) -> Turn | None:
        """Claim the session's first due entry; None when there is none or another holds the lease."""

    async def renew(self, turn: Turn) -> int:
        """Extend the lease; returns the session's `cancel_seq` as it is now. Raises LeaseLost."""

    async def checkpoint(self, turn: Turn, state: NewState) -> None:
        """Write what the turn has recorded so far, releasing no reply. Raises LeaseLost."""

    async def commit(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """Write the outcome in one transaction.

        Raises LeaseLost, VersionRace, HandedOver or MovedOn; writes nothing then.
        """

    async def bury(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """Commit the apology in `outcome` and keep the entry as a dead letter with `outcome.error`."""

    async def following(self, turn: Turn) -> Entry | None:
        """The entry after the turn's, if one has come. Raises Unavailable."""

    async def retry(self, turn: Turn, *, after: timedelta, error: str) -> None:
        """Give the lease back; the entry stays first in its lane and is due again `after` a while."""
