"""The turn store of mode `durable`: every step is one function call, one transaction, in Postgres.

The functions are in `migrations/versions/0002_turns.sql`; this file seals, opens and names their arguments.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import asyncpg
import orjson

from storage.channels import idle_time
from storage.clock import Clock
from storage.database import Database
from storage.errors import KeyMissing, LeaseLost, SealBroken, SealNeeded, Unavailable, VersionRace
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import (
    Accepted,
    Committed,
    Duplicate,
    Entry,
    Inbound,
    MessageStatus,
    NewState,
    Outcome,
    Sender,
    Session,
    State,
    StoredMessage,
    Turn,
)
from storage.statements import Statements
from storage.turn_seal import TurnSeal

LEASE = timedelta(seconds=30)
REDACTED = "[sensitive]"

_ACCEPT = (
    "select * from accept_inbound("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19, $20, $21, $22, $23, $24)"
)
_CLAIM = "select * from claim_turn($1, $2, $3)"
_RENEW = "select renew_lease($1, $2, $3, $4) as cancel_seq"
_CHECKPOINT = "select checkpoint_turn($1, $2, $3, $4, $5, $6, $7) as held"
_COMMIT = (
    "select * from commit_turn("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, "
    "$37, $38, $39, $40, $41, $42, $43)"
)
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
        self._clock = clock
        self._pushed = frozenset(pushed)
        self._sql = Statements("inbox")
        self._lease = lease

    async def accept(self, inbound: Inbound, *, claim: bool) -> Accepted | Duplicate:
        """Store the event once and claim its idle session if `claim`. Raises Unavailable."""
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
        )
        entry = await self._entry(session, row)
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
        """Write the outcome in one transaction. Raises LeaseLost or VersionRace; writes nothing then."""
        return await self._commit(turn, outcome, claim_next, None)

    async def bury(self, turn: Turn, outcome: Outcome, *, claim_next: bool) -> Committed:
        """Commit the apology and keep the entry as a dead letter with `outcome.error`."""
        return await self._commit(turn, outcome, claim_next, outcome.error or "unknown")

    async def following(self, turn: Turn) -> Entry | None:
        """The entry after the turn's, if one has come. Raises Unavailable."""
        session = turn.session
        async with self._database.tenant(session.tenant_id) as connection:
            row = await connection.fetchrow(
                self._sql.following, session.tenant_id, session.id, turn.entry.position
            )
        return None if row is None else await self._entry(session, row)

    async def retry(self, turn: Turn, *, after: timedelta, error: str) -> None:
        """Give the lease back; the entry stays first in its lane and is due again `after` a while."""
        session = turn.session
        await self._database.call(
            _RETRY, session.tenant_id, session.id, turn.token, turn.entry.id, after, error
        )

    async def _entry(self, session: Session, row: asyncpg.Record) -> Entry:
        """The claimed entry; input that cannot be opened is damage to tell, or its lane would wait for ever."""
        try:
            return await self._seal.open_entry(session, row)
        except (SealBroken, KeyMissing, orjson.JSONDecodeError) as error:
            entry = await self._seal.open_entry(session, {**row, "input_sealed": None})
            return replace(entry, sealed=True, damage=f"cannot be opened: {error}")

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
            raise
        if row["outcome"] == "duplicate":
            return Duplicate(row["session_id"], row["message_id"], row["reply_id"])
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
            )
            turn = Turn(
                session, row["token"], entry, await self._seal.open_state(session, row), row["cancel_seq"]
            )
        return Accepted(row["session_id"], row["user_id"], message, row["reply_id"], turn, row["position"])

    async def _commit(self, turn: Turn, outcome: Outcome, claim_next: bool, error: str | None) -> Committed:
        session, entry, state, now = turn.session, turn.entry, outcome.state, self._clock()
        replies, dispatches, timers = outcome.replies, outcome.dispatches, outcome.timers
        # A session in which nothing is under way and nothing was has no state to write.
        writes = state is not None and bool(state.flow or state.data or turn.state.version)
        sealed = await self._seal.seal_outcome(session, outcome)
        input_content, input_raw = None, None
        if outcome.redact_input:
            input_content = REDACTED
        elif entry.sealed:
            input_content, input_raw = entry.content, entry.raw_payload
        try:
            row = await self._database.call(
                _COMMIT,
                session.tenant_id,
                session.id,
                turn.token,
                entry.id,
                entry.position,
                entry.message_id,
                entry.reply_id,
                outcome.reason,
                input_content,
                input_raw,
                [reply.id for reply in replies],
                sealed.contents,
                [reply.content_type for reply in replies],
                [reply.sender for reply in replies],
                sealed.seals,
                writes,
                turn.state.version,
                state and state.flow,
                state and state.flow_version,
                state and state.state_name,
                sealed.data,
                sealed.state_seal,
                state and state.sensitive,
                [dispatch.id for dispatch in dispatches],
                [dispatch.channel_id for dispatch in dispatches],
                [dispatch.address for dispatch in dispatches],
                sealed.dispatch_seals,
                session.external_user_id if session.platform in self._pushed else None,
                now,
                outcome.parked_for,
                None if state is None else outcome.parked_for is not None,
                outcome.close,
                outcome.damage,
                error,
                claim_next,
                self._lease,
                [flag.name for flag in outcome.flags],
                sealed.flag_values,
                sealed.flag_seals,
                outcome.resolved,
                None if timers is None else [timer.id for timer in timers],
                None if timers is None else [timer.due_at for timer in timers],
                None if timers is None else [dict(timer.payload) for timer in timers],
            )
        except asyncpg.PostgresError as failure:
            if failure.sqlstate == "PA002":
                raise VersionRace(f"state of session {session.id}") from None
            raise
        if row["outcome"] == "lost":
            raise LeaseLost(f"commit of entry {entry.id}")
        if row["outcome"] == "repeated":
            return Committed((), len(dispatches), None)
        first_seq, first_change = row["first_seq"], row["first_change"]
        messages = tuple(
            StoredMessage(
                reply.id,
                session.id,
                session.user_id,
                first_seq + index,
                first_change + index,
                first_change + index,
                reply.sender,
                reply.content,
                reply.content_type,
                MessageStatus.COMPLETED,
                entry.message_id,
                now,
            )
            for index, reply in enumerate(replies)
        )
        following = None
        if row["outcome"] == "next":
            following = Turn(
                session,
                row["token"],
                await self._entry(session, row),
                _left(turn.state.version + 1, state) if state is not None and writes else turn.state,
                row["cancel_seq"],
            )
        pushed = len(replies) if session.platform in self._pushed else 0
        return Committed(messages, pushed + len(dispatches), following)


def _left(version: int, state: NewState) -> State:
    return State(version, state.flow, state.flow_version, state.state_name, state.data)
