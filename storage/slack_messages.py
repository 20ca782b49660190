"""What Slack's events refer to: threads, messages and people by Slack's own names, within one channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from storage.committing import REDACTED
from storage.database import Database
from storage.errors import KeyMissing, SealBroken
from storage.keys import Vault
from storage.records import Channel, Json, Sighting
from storage.sealing import Sealer
from storage.statements import Statements

DELETED = "[deleted]"
# What the queue has instead of a message's payload once the message was deleted.
WITHDRAWN: Mapping[str, Json] = {"slack_deleted": True}


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message of the bot's. `asked` is whom it was said to, by Slack's id; `content` None: it cannot be opened."""

    id: UUID
    asked: str
    user_id: UUID
    thread_key: str
    content: str | None


@dataclass(frozen=True, slots=True)
class Rewriting:
    """What became of a person's message `ts` in Slack's channel `place`; `text` None: it was deleted.

    `user` and `thread_key` find it once its dedupe key was forgotten. `at` is Slack's time of the change, by which
    one that comes late is known.
    """

    place: str
    ts: str
    user: str | None
    thread_key: str
    text: str | None
    at: str | None = None


class SlackMessages:
    """Looks up and rewrites. Every method may raise Unavailable."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._sql = Statements("slack_messages")

    async def is_engaged(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the bot has a session open in the thread, or ever had one there with the user."""
        return await self._ask(self._sql.is_engaged, channel, thread_key, user)

    async def has_open(self, channel: Channel, thread_key: str, user: str) -> bool:
        """Whether the user has a session open in the thread."""
        return await self._ask(self._sql.has_open, channel, thread_key, user)

    async def shown(self, channel: Channel, place: str, ts: str) -> ShownMessage | None:
        """The bot's message that Slack knows as `ts` in its channel `place`, also one of several parts."""
        async with self._database.tenant(channel.tenant_id) as connection:
            row = await connection.fetchrow(self._sql.shown, channel.tenant_id, channel.id, place, ts)
        if row is None:
            return None
        content: str | None = row["content"]
        if row["sealed"] is not None:
            try:
                sealer = await self._vault.user_sealer(channel.tenant_id, row["user_id"])
                content = sealer.open("messages", "content", row["id"], row["sealed"]).decode()
            except (KeyMissing, SealBroken):
                content = None
        return ShownMessage(row["id"], row["external_id"], row["user_id"], row["thread_key"], content)

    async def rewrite(self, channel: Channel, rewriting: Rewriting) -> bool:
        """Let the transcript follow an edit or a deletion; False where there is nothing to follow.

        What is sealed stays sealed, and so does what is edited while its session takes sealed input only. What a
        sensitive ask took has no words any more, and gets no new ones.
        """
        tenant_id = channel.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            key = f"message/{rewriting.place}/{rewriting.ts}"
            found = await connection.fetchrow(self._sql.said_under_key, tenant_id, channel.id, key)
            if found is None and rewriting.user is not None:
                place = (channel.id, rewriting.user, rewriting.thread_key, rewriting.ts)
                found = await connection.fetchrow(self._sql.said_in_thread, tenant_id, *place)
        if found is None:
            return False
        sealer = None
        while True:
            if sealer is None and (found["sealed"] is not None or found["seals_input"]):
                try:
                    sealer = await self._vault.user_sealer(tenant_id, found["user_id"])
                except KeyMissing:
                    return False
            async with self._database.tenant(tenant_id) as connection:
                session = await connection.fetchrow(self._sql.lock_session, tenant_id, found["session_id"])
                row = await connection.fetchrow(self._sql.read_again, tenant_id, found["id"])
                if session is None or row is None:
                    return False
                found = {**found, **row, **session}
                if sealer is not None or not (row["sealed"] is not None or session["seals_input"]):
                    return await self._rewrite(connection, tenant_id, found, rewriting, sealer)
            # Meanwhile sealed, and now its key is needed.

    async def raise_cancel(self, channel: Channel, user: str, thread_keys: Sequence[str]) -> list[UUID]:
        """Stop: returns the user's sessions in these threads."""
        async with self._database.tenant(channel.tenant_id) as connection:
            rows = await connection.fetch(
                self._sql.raise_cancel, channel.tenant_id, channel.id, list(thread_keys), user
            )
        return [row["id"] for row in rows]

    async def know(self, channel: Channel, user: Sighting) -> None:
        """Keep what Slack says of a user; nothing where we do not know them."""
        async with self._database.tenant(channel.tenant_id) as connection:
            await connection.execute(
                self._sql.know_user, channel.tenant_id, user.external_id, user.locale, dict(user.profile)
            )

    async def _ask(self, statement: str, channel: Channel, thread_key: str, user: str) -> bool:
        async with self._database.tenant(channel.tenant_id) as connection:
            return bool(await connection.fetchval(statement, channel.tenant_id, channel.id, thread_key, user))

    async def _rewrite(
        self,
        connection: asyncpg.Connection[Any],
        tenant_id: UUID,
        row: Mapping[str, Any],
        rewriting: Rewriting,
        sealer: Sealer | None,
    ) -> bool:
        message_id, text = row["id"], rewriting.text
        kept = {"content": row["content"], "payload": None, "raw": row["raw_payload"]}
        if row["sealed"] is not None:
            assert sealer is not None
            try:
                kept = orjson.loads(sealer.open("messages", "content", message_id, row["sealed"]))
            except SealBroken:
                return False
        raw = kept["raw"] if isinstance(kept["raw"], dict) else {}
        is_taken = kept["content"] == REDACTED and not raw
        is_late = rewriting.at is not None and str(raw.get("rewritten") or "") >= rewriting.at
        is_gone = kept["content"] == DELETED and not raw
        if is_gone or (text is not None and (is_taken or is_late)):
            return False
        new_content, new_raw, payload = DELETED, None, None
        if text is not None:
            new_content, payload = text, kept["payload"]
            new_raw = {**raw, "rewritten": rewriting.at} if rewriting.at else raw
        sealed = None
        if sealer is not None and text is not None:
            plain = orjson.dumps({"content": new_content, "payload": payload, "raw": new_raw})
            sealed = sealer.seal("messages", "content", message_id, plain)
            new_content, new_raw = "", None
        await connection.execute(
            self._sql.rewrite, tenant_id, row["session_id"], message_id, new_content, sealed, new_raw
        )
        if text is None:
            await connection.execute(self._sql.withdraw, tenant_id, message_id, dict(WITHDRAWN))
            await connection.execute(self._sql.drop_entry_payload, tenant_id, message_id)
        return True
