"""What a turn keeps sealed: input, state, checkpoint, sensitive replies, codes; opened and sealed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.message_files import uploaded
from storage.outcomes import NewState, Outcome
from storage.records import Entry, EntryKind, Inbound, Json, Session, State
from storage.user_flags import seal_flag


@dataclass(frozen=True, slots=True)
class SealedOutcome:
    """Texts and ciphertexts of an outcome, in the order of its replies, dispatches and flags."""

    contents: list[str]
    seals: list[bytes | None]
    dispatch_seals: list[bytes]
    data: Mapping[str, Any] | None
    state_seal: bytes | None
    flag_values: list[Json]
    flag_seals: list[bytes | None]


class TurnSeal:
    """Seals with the key of the session's user. Its methods raise KeyMissing, WrongSecret and Unavailable."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def seal_input(self, inbound: Inbound, user_id: UUID, message_id: UUID) -> bytes:
        """The whole of what a person sent, for the message's row."""
        sealer = await self._vault.user_sealer(inbound.channel.tenant_id, user_id)
        plain = orjson.dumps(
            {"content": inbound.content, "payload": inbound.payload, "raw": inbound.raw_payload}
        )
        return sealer.seal("messages", "content", message_id, plain)

    async def seal_state(
        self, session: Session, column: str, state: NewState
    ) -> tuple[Mapping[str, Any], bytes | None]:
        """The state's values for a column: plain, or empty with a ciphertext beside."""
        if not state.sensitive:
            return state.data, None
        sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
        return {}, sealer.seal("conversation_state", column, session.id, orjson.dumps(state.data))

    async def seal_outcome(self, session: Session, outcome: Outcome) -> SealedOutcome:
        """Everything of an outcome that is written."""
        data, state_seal = None, None
        if outcome.state is not None:
            data, state_seal = await self.seal_state(session, "data", outcome.state)
        secrets = [
            *(reply.sensitive for reply in outcome.replies),
            *(flag.sensitive for flag in outcome.flags),
        ]
        if not outcome.dispatches and not any(secrets):
            contents = [reply.content for reply in outcome.replies]
            values = [flag.value for flag in outcome.flags]
            return SealedOutcome(
                contents, [None] * len(contents), [], data, state_seal, values, [None] * len(values)
            )
        sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
        return SealedOutcome(
            ["" if reply.sensitive else reply.content for reply in outcome.replies],
            [
                sealer.seal("messages", "content", reply.id, reply.content.encode())
                if reply.sensitive
                else None
                for reply in outcome.replies
            ],
            [
                sealer.seal("outbox", "content", dispatch.id, dispatch.content.encode())
                for dispatch in outcome.dispatches
            ],
            data,
            state_seal,
            [None if flag.sensitive else flag.value for flag in outcome.flags],
            [
                seal_flag(sealer, session.user_id, flag)
                if flag.sensitive and flag.value is not None
                else None
                for flag in outcome.flags
            ],
        )

    async def seal_event(self, tenant_id: UUID, user_id: UUID, entry_id: UUID, payload: Json) -> bytes:
        """An event's payload, for its own row in the inbox."""
        sealer = await self._vault.user_sealer(tenant_id, user_id)
        plain = orjson.dumps({"content": "", "payload": payload, "raw": None})
        return sealer.seal("inbox", "payload", entry_id, plain)

    async def entry(self, session: Session, row: Mapping[str, Any]) -> Entry:
        """As `open_entry`; input that cannot be opened is damage to tell, or its lane would wait for ever."""
        try:
            return await self.open_entry(session, row)
        except (SealBroken, KeyMissing, orjson.JSONDecodeError) as error:
            entry = await self.open_entry(session, {**row, "input_sealed": None})
            return replace(entry, sealed=True, damage=f"cannot be opened: {error}")

    async def open_entry(self, session: Session, row: Mapping[str, Any]) -> Entry:
        """The claimed entry of a row of `claimed_turn` or of a commit that claimed on."""
        content, payload, raw = row["content"] or "", row["payload"], None
        if row["input_sealed"] is not None:
            sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
            place = (
                ("inbox", "payload", row["entry_id"])
                if row["message_id"] is None
                else ("messages", "content", row["message_id"])
            )
            opened = orjson.loads(sealer.open(*place, row["input_sealed"]))
            content, payload, raw = opened["content"], opened["payload"], opened["raw"]
        return Entry(
            row["entry_id"],
            row["position"],
            EntryKind(row["kind"]),
            content,
            payload,
            row["message_id"],
            row["reply_id"],
            row["accepted_at"],
            row["attempts"],
            row["input_sealed"] is not None,
            raw,
            attachments=uploaded(row["files"]),
        )

    async def open_state(self, session: Session, row: Mapping[str, Any]) -> State:
        """The state of a claimed row; one that cannot be opened is damaged, not an error."""
        if row["state_version"] is None:
            return State()
        data, checkpoint, damage = row["data"], row.get("checkpoint"), None
        seals = {"data": row["state_sealed"], "checkpoint": row.get("checkpoint_sealed")}
        if any(seals.values()):
            try:
                sealer = await self._vault.user_sealer(session.tenant_id, session.user_id)
                opened = {
                    column: orjson.loads(sealer.open("conversation_state", column, session.id, sealed))
                    for column, sealed in seals.items()
                    if sealed is not None
                }
                data, checkpoint = opened.get("data", data), opened.get("checkpoint", checkpoint)
            except (SealBroken, KeyMissing, orjson.JSONDecodeError) as error:
                data, checkpoint, damage = {}, None, f"cannot be opened: {error}"
        return State(
            row["state_version"],
            row["flow"],
            row["flow_version"],
            row["state_name"],
            data,
            checkpoint,
            damage,
        )
