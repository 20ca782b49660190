"""A turn store over a test's own database, with a channel to write to and eyes to look at the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from clocks import MovableClock
from databases import DatabaseUrls
from vaults import strongroom

from storage.channels import Channels
from storage.durable import DurableTurnStore
from storage.ids import uuid7
from storage.keys import Vault
from storage.records import (
    Accepted,
    Channel,
    Committed,
    Inbound,
    NewMessage,
    NewState,
    Outcome,
    Sighting,
    Turn,
)
from storage.turns import TurnStore


@dataclass(frozen=True, slots=True)
class Bench:
    """`store` is under test; `short` is a second one whose leases end after a tenth of a second."""

    store: TurnStore
    short: TurnStore
    channel: Channel
    clock: MovableClock
    owner: asyncpg.Connection[Any]
    vault: Vault

    def inbound(self, text: str = "hello", *keys: str, user: str = "ada", **more: Any) -> Inbound:
        return Inbound(self.channel, Sighting(user), keys or (str(uuid7()),), text, **more)

    async def accept(self, text: str = "hello", *keys: str, claim: bool = True, **more: Any) -> Accepted:
        accepted = await self.store.accept(self.inbound(text, *keys, **more), claim=claim)
        assert isinstance(accepted, Accepted)
        return accepted

    async def claimed(self, text: str = "hello", **more: Any) -> Turn:
        turn = (await self.accept(text, **more)).turn
        assert turn is not None
        return turn

    async def commit(self, turn: Turn, *texts: str, claim_next: bool = True, **more: Any) -> Committed:
        return await self.store.commit(turn, outcome(*texts, **more), claim_next=claim_next)

    async def transcript(self, session_id: UUID) -> list[tuple[int, str, str]]:
        rows = await self.owner.fetch(
            "select seq, sender_type, content from messages where session_id = $1 and seq is not null order by seq",
            session_id,
        )
        return [tuple(row) for row in rows]


def outcome(*texts: str, flow: str | None = None, data: dict[str, Any] | None = None, **more: Any) -> Outcome:
    state = NewState(data or {}, flow, "1" if flow else None, None, more.pop("sensitive", False))
    return Outcome(tuple(NewMessage(uuid7(), text) for text in texts), more.pop("state", state), **more)


@asynccontextmanager
async def bench(kind: str, urls: DatabaseUrls, clock: MovableClock) -> AsyncIterator[Bench]:
    """A bench with the store of a persistence mode."""
    assert kind == "durable"
    async with strongroom(urls) as room:
        owner = await asyncpg.connect(urls.owner_url)
        try:
            tenant = await room.tenants.create("acme")
            channel = await Channels(room.database, room.vault, clock).create(tenant.id, "web", "site")
            yield Bench(
                DurableTurnStore(room.database, room.vault, clock),
                DurableTurnStore(room.database, room.vault, clock, lease=timedelta(milliseconds=100)),
                channel,
                clock,
                owner,
                room.vault,
            )
        finally:
            await owner.close()
