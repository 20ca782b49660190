"""The outbox: one lane of deliveries a session, each claimed with a fenced lease of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from storage.database import Database
from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.records import ContentType
from storage.statements import Statements

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery to be sent now. `answer_lost`: an earlier attempt may have arrived, nobody knows, or did in part.

    `thread_key` is empty for what goes outside the session. `failures` are the earlier attempts that failed:
    all but those that the platform told to wait. `external_id` names what shows the reply since it was begun;
    `opening`: something was about to be opened for that. `came_to_nothing`: what is shown is to be taken back.
    """

    tenant_id: UUID
    session_id: UUID
    id: UUID
    channel_id: UUID
    token: int
    attempt: int
    address: str
    thread_key: str
    content: str
    content_type: ContentType
    answer_lost: bool
    created_at: datetime
    failures: int
    external_id: str | None = None
    opening: bool = False
    came_to_nothing: bool = False


class Outbox:
    """Claims, records and settles deliveries. Every method may raise Unavailable."""

    def __init__(self, database: Database, vault: Vault, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._vault = vault
        self._lease = lease
        self._sql = Statements("outbox")

    async def claim(self, tenant_id: UUID, session_id: UUID) -> ClaimedDelivery | None:
        """Claim the lane's first delivery and write that an attempt begins; None when none is due."""
        async with self._database.tenant(tenant_id) as connection:
            row = await connection.fetchrow(self._sql.claim, tenant_id, session_id, self._lease)
            if row is None:
                return None
            begun = await connection.fetchrow(self._sql.begin_attempt, tenant_id, row["id"], row["attempts"])
            source = await connection.fetchrow(self._sql.content, tenant_id, session_id, row["message_id"])
        assert begun is not None and source is not None
        claimed = ClaimedDelivery(
            tenant_id,
            session_id,
            row["id"],
            row["channel_id"],
            row["lease_token"],
            row["attempts"],
            row["address"],
            "" if row["message_id"] is None else source["thread_key"],
            source["content"] or "",
            ContentType(source["content_type"] or ContentType.TEXT),
            begun["answer_lost"],
            row["created_at"],
            begun["failures"],
            row["external_message_id"],
            begun["opening"],
            source["came_to_nothing"],
        )
        table, sealed = (
            ("outbox", row["sealed"]) if row["message_id"] is None else ("messages", source["sealed"])
        )
        if sealed is None:
            return claimed
        try:
            sealer = await self._vault.user_sealer(tenant_id, source["user_id"])
            content = sealer.open(table, "content", row["message_id"] or row["id"], sealed).decode()
        except (KeyMissing, SealBroken) as error:
            # Erased or damaged: nobody can ever send it, and the lane goes on.
            await self.failed(claimed, str(error))
            return await self.claim(tenant_id, session_id)
        return replace(claimed, content=content)

    async def waiting(self, tenant_id: UUID, session_id: UUID) -> int:
        """How many deliveries the lane holds that are neither sent nor given up."""
        async with self._database.tenant(tenant_id) as connection:
            count: int = await connection.fetchval(self._sql.waiting, tenant_id, session_id)
        return count

    async def label(self, delivery: ClaimedDelivery) -> None:
        """Mark that the platform may have it twice."""
        async with self._database.tenant(delivery.tenant_id) as connection:
            await connection.execute(self._sql.label, delivery.tenant_id, delivery.id, delivery.token)

    async def sent(
        self, tenant_id: UUID, receipts: Sequence[tuple[ClaimedDelivery, str | None, bool]]
    ) -> set[UUID]:
        """The platform has these (delivery, its id there, whether it was found by looking up), in one transaction.

        Returns the ids of those whose lease was still ours.
        """
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.fetch(
                self._sql.settle_sent,
                tenant_id,
                [delivery.id for delivery, _, _ in receipts],
                [delivery.token for delivery, _, _ in receipts],
                [external_id for _, external_id, _ in receipts],
                [delivery.attempt for delivery, _, _ in receipts],
                ["found" if found else "sent" for _, _, found in receipts],
            )
        return {row["id"] for row in rows}

    async def retracted(self, delivery: ClaimedDelivery) -> None:
        """Nothing of it is shown any more; the lane goes on."""
        async with self._database.tenant(delivery.tenant_id) as connection:
            await connection.execute(
                self._sql.settle_retracted, delivery.tenant_id, delivery.id, delivery.token, delivery.attempt
            )

    async def failed(self, delivery: ClaimedDelivery, error: str) -> bool:
        """The platform will never take it; the lane goes on. False when the lease was lost meanwhile."""
        async with self._database.tenant(delivery.tenant_id) as connection:
            settled = await connection.fetchval(
                self._sql.fail, delivery.tenant_id, delivery.id, delivery.token, error
            )
            await connection.execute(
                self._sql.end_attempt, delivery.tenant_id, delivery.id, delivery.attempt, "permanent", error
            )
        return bool(settled)

    async def postpone(
        self,
        delivery: ClaimedDelivery,
        after: timedelta,
        error: str,
        *,
        refused: bool,
        told_to_wait: bool = False,
    ) -> None:
        """A temporary failure: the lane waits `after` and tries this one again.

        `refused` says that the platform did not take it. Otherwise it may have it, or a part of it, and the next
        attempt looks the delivery up or labels it. `told_to_wait` says that it was the platform's wish, which is
        no failure; nobody knows how an attempt went that was neither, so it is left without an end.
        """
        outcome = {(True, True): "waited", (True, False): "temporary", (False, True): "partly"}.get(
            (refused, told_to_wait)
        )
        async with self._database.tenant(delivery.tenant_id) as connection:
            if outcome is not None:
                await connection.execute(
                    self._sql.end_attempt,
                    delivery.tenant_id,
                    delivery.id,
                    delivery.attempt,
                    outcome,
                    error,
                )
            await connection.execute(
                self._sql.postpone, delivery.tenant_id, delivery.id, delivery.token, after, error
            )
