"""A turn store over a test's own database, with a channel to write to and eyes to look at the rows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from clocks import MovableClock
from databases import DatabaseUrls
from vaults import Strongroom, strongroom

from storage.channels import Channels
from storage.database import Database
from storage.durable import DurableTurnStore
from storage.ids import uuid7
from storage.keys import Vault
from storage.outcomes import NewMessage, NewState, Outcome
from storage.records import Accepted, Channel, Committed, Inbound, Sighting, Turn
from storage.turns import TurnStore

POLICIES_ALONE = "durable, by policies alone"
MODES = ("durable", POLICIES_ALONE)
FUNCTIONS = (
    "accept_inbound",
    "claim_turn",
    "renew_lease",
    "checkpoint_turn",
    "commit_turn",
    "open_stream",
    "retry_turn",
    "fire_timers",
    "accept_event",
    "accept_operator",
    "accept_decision",
    "expire_approvals",
    "keep_approvals",
    "settle_approval",
    "use_approval",
    "hand_session",
    "files_of",
    "add_results",
    "linked_users",
    "link_user",
    "part_user",
    "take_up",
)


@dataclass(frozen=True, slots=True)
class Bench:
    """`store` is under test; `short` is a second one whose leases end after a tenth of a second.

    `eyes` sees this tenant's rows only, `owner` everything.
    """

    store: TurnStore
    short: TurnStore
    channel: Channel
    clock: MovableClock
    owner: asyncpg.Connection[Any]
    eyes: asyncpg.Connection[Any]
    vault: Vault
    database: Database

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
        rows = await self.eyes.fetch(
            "select seq, sender_type, content from messages where session_id = $1 and seq is not null order by seq",
            session_id,
        )
        return [tuple(row) for row in rows]


def outcome(*texts: str, flow: str | None = None, data: dict[str, Any] | None = None, **more: Any) -> Outcome:
    state = NewState(data or {}, flow, "1" if flow else None, None, more.pop("sensitive", False))
    return Outcome(tuple(NewMessage(uuid7(), text) for text in texts), more.pop("state", state), **more)


@asynccontextmanager
async def bench(kind: str, urls: DatabaseUrls, clock: MovableClock) -> AsyncIterator[Bench]:
    """A bench with the store of a persistence mode.

    `policies alone` is the durable store with every condition on the tenant taken out of its functions, in a
    database where another tenant has the same ids and keys: row-level security alone keeps them apart.
    """
    assert kind in MODES
    if kind == POLICIES_ALONE:
        await forget_tenant_conditions(urls.owner_url)
    async with strongroom(urls) as room:
        owner = await asyncpg.connect(urls.owner_url)
        eyes = await asyncpg.connect(urls.runtime_url)
        try:
            if kind == POLICIES_ALONE:
                await _occupy(room, clock)
            tenant = await room.tenants.create("acme")
            channel = await Channels(room.database, room.vault, clock).create(tenant.id, "web", "site")
            await eyes.execute("select set_config('parley.tenant_id', $1, false)", str(tenant.id))
            yield Bench(
                DurableTurnStore(room.database, room.vault, clock),
                DurableTurnStore(room.database, room.vault, clock, lease=timedelta(milliseconds=100)),
                channel,
                clock,
                owner,
                eyes,
                room.vault,
                room.database,
            )
        finally:
            await eyes.close()
            await owner.close()


async def forget_tenant_conditions(owner_url: str) -> None:
    """Take `tenant_id = p_tenant` out of the turn's functions. Fails when one has none to take out."""
    owner = await asyncpg.connect(owner_url)
    try:
        for name in FUNCTIONS:
            source = await owner.fetchval("select pg_get_functiondef($1::regproc)", name)
            loose, count = re.subn(r"\b(\w+\.)?tenant_id = p_tenant\b", "true", source)
            assert count > 0, name
            await owner.execute(loose)
    finally:
        await owner.close()


async def _occupy(room: Strongroom, clock: MovableClock) -> None:
    """Another tenant whose people and events have the names that the tests use."""
    tenant = await room.tenants.create("neighbour")
    channel = await Channels(room.database, room.vault, clock).create(tenant.id, "web", "next-door")
    store = DurableTurnStore(room.database, room.vault, clock)
    for user in ("ada", "eve"):
        for key in ("k", "k1", "event-1", "event-2"):
            inbound = Inbound(channel, Sighting(user), (f"{user}-{key}", key), "not yours", wants_reply=True)
            accepted = await store.accept(inbound, claim=True)
            if isinstance(accepted, Accepted) and accepted.turn is not None:
                await store.commit(accepted.turn, outcome("theirs", flow="theirs"), claim_next=False)
