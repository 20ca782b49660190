"""The commit of a turn: one function call, one transaction. Names and seals its many arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

import asyncpg

from storage.also import Also
from storage.clock import Clock
from storage.database import Database
from storage.errors import HandedOver, LeaseLost, MovedOn, VersionRace
from storage.keys import Vault
from storage.outcomes import NewState, Outcome
from storage.records import Committed, MessageStatus, Session, State, StoredMessage, Turn
from storage.turn_seal import TurnSeal

REDACTED = "[sensitive]"

_COMMIT = (
    "select * from commit_turn("
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
    "$19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, "
    "$37, $38, $39, $40, $41, $42, $43, $44, $45, $46)"
)
_NOBODY: Mapping[UUID, UUID] = MappingProxyType({})


class Commits:
    """Writes outcomes. Raises LeaseLost, VersionRace, HandedOver or MovedOn, and has written nothing then."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, *, pushed: Collection[str], lease: timedelta
    ) -> None:
        self._database = database
        self._seal = TurnSeal(vault)
        self._also = Also(vault)
        self._clock = clock
        self._pushed = frozenset(pushed)
        self._lease = lease

    async def write(
        self,
        turn: Turn,
        outcome: Outcome,
        *,
        claim_next: bool,
        error: str | None = None,
        sealing: Mapping[UUID, UUID] = _NOBODY,
    ) -> Committed:
        """Commit; with an `error` the entry is kept as a dead letter.

        `sealing` names the users of those sessions that take events sealed only; the database tells.
        """
        session, entry, state, now = turn.session, turn.entry, outcome.state, self._clock()
        replies, dispatches, timers = outcome.replies, outcome.dispatches, outcome.timers
        # A session in which nothing is under way and nothing was has no state to write.
        writes = state is not None and bool(state.flow or state.data or turn.state.version)
        sealed = await self._seal.seal_outcome(session, outcome)
        also = await self._also.of(turn, outcome, sealing)
        if outcome.redact_input and entry.attachments:
            also = {**(also or {}), "hide_files": True}
        input_content, input_raw = None, None
        if outcome.redact_input:
            input_content = REDACTED
        elif entry.sealed and outcome.reason != "handoff":  # what was meant for a person stays sealed
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
                session.in_handoff,
                session.owner,
                also,
            )
        except asyncpg.PostgresError as failure:
            match failure.sqlstate:
                case "PA001" if len(sealing) < len(
                    outcome.events
                ):  # another session's, which takes events sealed
                    user_id, told = (UUID(part) for part in (failure.detail or "").split("/"))
                    return await self.write(
                        turn,
                        outcome,
                        claim_next=claim_next,
                        error=error,
                        sealing={**sealing, told: user_id},
                    )
                case "PA002":
                    raise VersionRace(f"state of session {session.id}") from None
                case "PA003":
                    raise HandedOver(f"session {session.id}") from None
                case "PA005":
                    raise MovedOn(f"what session {session.id} was to take up") from None
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
                _left_as(session, outcome),
                row["token"],
                await self._seal.entry(session, row),
                _left(turn.state.version + 1, state) if state is not None and writes else turn.state,
                row["cancel_seq"],
            )
        pushed = len(replies) if session.platform in self._pushed else 0
        woken = tuple({event.session_id for event in outcome.events})
        return Committed(messages, pushed + len(dispatches), following, woken)


def _left_as(session: Session, outcome: Outcome) -> Session:
    """The session as the turn left it."""
    if outcome.links:
        session = replace(session, linked=True)
    if (hand := outcome.hand) is None:
        return session
    owner = (hand.owner or session.owner) if hand.to_person else None
    return replace(session, in_handoff=hand.to_person, owner=owner)


def _left(version: int, state: NewState) -> State:
    return State(version, state.flow, state.flow_version, state.state_name, state.data)
