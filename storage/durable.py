"""The turn store of mode `durable`: every step is one function call, one transaction, in Postgres.

The functions are in `migrations/versions/0002_turns.sql`; this file seals, opens and names their arguments.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import asyncpg

from storage.channels import idle_time
from storage.clock import Clock
from storage.committing import Commits
from storage.database import Database
from storage.errors import (
    KeyMissing,
    LeaseLost,
    NotFound,
    SealBroken,
    SealNeeded,
    Unavailable,
)
from storage.ids import uuid7
from storage.keys import Vault
from storage.message_files import uploaded
from storage.outcomes import NewState, Outcome
from storage.records import (
    Accepted,
    Committed,
    Duplicate,
    Entry,
    Inbound,
    MessageStatus,
    Sender,
    Session,
    StoredMessage,
    Turn,
)
from storage.statements import Statements
from storage.turn_seal import TurnSeal

LEASE = timedelta(seconds=30)

_ACCEPT = (
    "select * from accept_inbound("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19, $20, $21, $22, $23, $24, $25)"
)
_CLAIM = "select * from claim_turn($1, $2, $3)"
_RENEW = "select renew_lease($1, $2, $3, $4) as cancel_seq"
_CHECKPOINT = "select checkpoint_turn($1, $2, $3, $4, $5, $6, $7) as held"
_RETRY = "select retry_turn($1, $2, $3, $4, $5, $6) as held"


class DurableTurnStore:
    """Accepts, claims, checkpoints and commits turns in Postgres.

    `pushed` names the platforms whose replies go out by deliveries; on the others commit is delivery.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        *,
        pushed: Collection[str] = (),
        lease: timedelta = LEASE,
    ) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._commits = Commits(database, vault, clock, pushed=pushed, lease=lease)
        self._clock = clock
        self._sql = Statements("inbox")
        self._lease = lease

    async def accept(self, inbound: Inbound, *, claim: bool) -> Accepted | Duplicate:
        """Store the event once and claim its idle session if `claim`.

        Raises Unavailable, and NotFound when one of its files is not the user's, not ready or another message's.
        """
        message_id = uuid7()
        try:
            return await self._accept(inbound, claim, message_id, None)
        except SealNeeded as needed:
            try:
                sealed = await self._seal.seal_input(inbound, needed.user_id, message_id)
            except (KeyMissing, SealBroken) as error:
                raise Unavailable(f"this conversation cannot be written to: {error}") from error
            return await self._accept(inbound, claim, message_id, sealed)

    async def load(self, tenant_id: UUID, session_id: UUID) -> Turn | None:
        """Claim the session's first due entry; None when there is none or another holds the lease."""
        row = await self._database.call(_CLAIM, tenant_id, session_id, self._lease)
        if row["outcome"] != "claimed":
            return None
        session = Session(
            tenant_id,
            row["session_id"],
            row["user_id"],
            row["channel_id"],
            row["platform"],
            row["external_user_id"],
            row["thread_key"],
            row["locale"],
            row["profile"],
            row["in_handoff"],
            row["owner"],
            row["linked"],
        )
        entry = await self._seal.entry(session, row)
        return Turn(
            session, row["token"], entry, await self._seal.open_state(session, row), row["cancel_seq"]
        )

    async def renew(self, turn: Turn) -> int:
        """Extend the lease; returns the session's `cancel_seq` as it is now. Raises LeaseLost."""
        row = await self._database.call(
            _RENEW, turn.session.tenant_id, turn.session.id, turn.token, self._lease
        )
        if row["cancel_seq"] is None:
            raise LeaseLost(f"lease of session {turn.session.id}")
        return int(row["cancel_seq"])

    async def checkpoint(self, turn: Turn, state: NewState) -> None:
        """Write what the turn has recorded so far, releasing no reply. Raises LeaseLost."""
        session = turn.session
        data, sealed = await self._seal.seal_state(session, "checkpoint", state)
        row = await self._database.call(
            _CHECKPOINT, session.tenant_id, session.id, turn.token, turn.entry.id, data, sealed, self._clock()
        )
        if not row["held"]:
            raise LeaseLost(f"checkpoint of entry {turn.entry.id}")

    async def commit(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """Write the outcome in one transaction.

        Raises LeaseLost, VersionRace, HandedOver or MovedOn; writes nothing then.
        """
        return await self._commits.write(turn, outcome, claim_next=claim_next)

    async def bury(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """Commit the apology and keep the entry as a dead letter with `outcome.error`."""
        error = outcome.error or "unknown"
        return await self._commits.write(turn, outcome, claim_next=claim_next, error=error)

    async def following(self, turn: Turn) -> Entry | None:
        """The entry after the turn's, if one has come. Raises Unavailable."""
        session = turn.session
        async with self._database.tenant(session.tenant_id) as connection:
            row = await connection.fetchrow(
                self._sql.following, session.tenant_id, session.id, turn.entry.position
            )
        return None if row is None else await self._seal.entry(session, row)

    async def retry(self, turn: Turn, *, after: timedelta, error: str) -> None:
        """Give the lease back; the entry stays first in its lane and is due again `after` a while."""
        session = turn.session
        await self._database.call(
            _RETRY, session.tenant_id, session.id, turn.token, turn.entry.id, after, error
        )

    async def _accept(
        self, inbound: Inbound, claim: bool, message_id: UUID, sealed: bytes | None
    ) -> Accepted | Duplicate:
        channel, now = inbound.channel, self._clock()
        entry_id = uuid7()
        try:
            row = await self._database.call(
                _ACCEPT,
                channel.tenant_id,
                channel.id,
                channel.platform,
                sorted(set(inbound.dedupe_keys)),
                inbound.user.external_id,
                inbound.user.locale,
                dict(inbound.user.profile),
                inbound.thread_key,
                inbound.kind,
                inbound.content,
                inbound.content_type,
                inbound.payload,
                inbound.raw_payload,
                sealed,
                inbound.external_message_id,
                list(dict.fromkeys(inbound.attachments)) or None,
                uuid7(),
                uuid7(),
                message_id,
                entry_id,
                uuid7() if inbound.wants_reply else None,
                now,
                idle_time(channel),
                self._lease,
                claim,
            )
        except asyncpg.PostgresError as error:
            if error.sqlstate == "PA001":
                raise SealNeeded(UUID(error.detail)) from None
            if error.sqlstate == "PA004":
                raise NotFound("one of the files is not there to be sent") from None
            raise
        if row["outcome"] == "duplicate":
            return Duplicate(row["session_id"], row["message_id"], row["reply_id"])
        files = uploaded(row["files"])
        message = StoredMessage(
            message_id,
            row["session_id"],
            row["user_id"],
            row["seq"],
            row["change"],
            row["change"],
            Sender.USER,
            inbound.content,
            inbound.content_type,
            MessageStatus.COMPLETED,
            None,
            now,
            files,
        )
        turn = None
        if row["outcome"] == "claimed":
            session = Session(
                channel.tenant_id,
                row["session_id"],
                row["user_id"],
                channel.id,
                channel.platform,
                inbound.user.external_id,
                inbound.thread_key,
                row["locale"],
                row["profile"],
                row["in_handoff"],
                row["owner"],
                row["linked"],
            )
            entry = Entry(
                entry_id,
                row["position"],
                inbound.kind,
                inbound.content,
                inbound.payload,
                message_id,
                row["reply_id"],
                now,
                1,
                sealed is not None,
                inbound.raw_payload,
                attachments=files,
            )
            turn = Turn(
                session, row["token"], entry, await self._seal.open_state(session, row), row["cancel_seq"]
            )
        return Accepted(row["session_id"], row["user_id"], message, row["reply_id"], turn, row["position"])
