"""With every condition on the tenant taken out of our statements, row-level security alone keeps tenants apart.

The same for the functions of a turn is a kind of turn store in `tests/storage/test_turn_store.py`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from turn_stores import POLICIES_ALONE, outcome
from turn_stores import bench as open_bench

from storage import statements
from storage.channels import Channels
from storage.durable import DurableTurnStore
from storage.errors import Conflict, NotFound
from storage.installations import Grant, Installations, Tokens
from storage.messages import Messages
from storage.outbox import Outbox
from storage.records import Sighting
from storage.sessions import Sessions
from storage.statements import Statements, tables
from storage.tenants import Tenants
from storage.token_refreshes import TokenRefreshes

# They look across tenants, and that is what they are for.
DISPATCHED = {"queue"}


def loosened(text: str) -> tuple[str, int]:
    return re.subn(r"\b(\w+\.)?tenant_id = \$1(?!\d)", "$1::uuid is not null", text)


@pytest.fixture(params=["as they are", "by policies alone"])
async def bench(request, database, clock, monkeypatch, tmp_path):
    if request.param == "by policies alone":
        for table in tables():
            text = (statements.FOLDER / f"{table}.sql").read_text()
            (tmp_path / f"{table}.sql").write_text(text if table in DISPATCHED else loosened(text)[0])
        monkeypatch.setattr(statements, "FOLDER", tmp_path)
    async with open_bench(POLICIES_ALONE, database, clock) as bench:
        yield bench


@pytest.mark.parametrize("table", sorted(set(tables()) - DISPATCHED))
def test_the_statements_of_every_table_name_the_tenant(table):
    # What only adds rows has no condition: the policy checks the tenant that it names.
    conditional = [text for text in Statements(table).values() if re.search(r"\bwhere\b", text)]
    assert not conditional or any(loosened(text)[1] for text in conditional)


async def test_reading_shows_ones_own_messages_only(bench):
    turn = await bench.claimed("hello", user="ada", wants_reply=True)
    await bench.commit(turn, "ours")
    messages = Messages(bench.database, bench.vault, bench.clock)
    place = (bench.channel.tenant_id, bench.channel.id, turn.session.user_id)
    history = await messages.history(*place, before=None, limit=50)
    assert [message.content for message in history] == ["hello", "ours"]
    since = await messages.since(*place, session_id=None, change=0, limit=50)
    assert [message.content for message in since] == ["hello", "ours"]
    theirs = await bench.owner.fetchval(
        "select id from messages where tenant_id <> $1 and sender_type = 'bot' limit 1",
        bench.channel.tenant_id,
    )
    assert await messages.reply(*place, theirs) is None
    assert not await messages.rate(*place, theirs, 1)
    assert await messages.history(*place, before=theirs, limit=50) is None


async def test_sessions_of_another_tenant_are_neither_found_nor_stopped_nor_closed(bench):
    sessions = Sessions(bench.database, bench.clock)
    assert await sessions.find_user(bench.channel, "ada") is None
    user_id, session_id = await sessions.open(bench.channel, Sighting("ada"))
    assert await sessions.find_user(bench.channel, "ada") == user_id
    assert [each for each, _ in await sessions.raise_cancel(bench.channel, user_id)] == [session_id]
    bench.clock.advance(timedelta(days=30))
    assert await sessions.close_silent(bench.channel.tenant_id) == 1
    await sessions.forget_keys(bench.channel.tenant_id, bench.clock())
    open_elsewhere = "select count(*) from sessions where tenant_id <> $1 and status <> 'closed'"
    assert await bench.owner.fetchval(open_elsewhere, bench.channel.tenant_id) == 1
    keys = "select count(*) from inbound_keys where tenant_id <> $1"
    assert await bench.owner.fetchval(keys, bench.channel.tenant_id) > 0


async def test_deliveries_of_another_tenant_are_not_claimed_nor_settled(bench):
    store = DurableTurnStore(bench.database, bench.vault, bench.clock, pushed=["web"])
    accepted = await store.accept(bench.inbound("hi"), claim=True)
    await store.commit(accepted.turn, outcome("ours"), claim_next=True)
    outbox = Outbox(bench.database, bench.vault)
    their_session = await bench.owner.fetchval(
        "select id from sessions where tenant_id <> $1 limit 1", bench.channel.tenant_id
    )
    assert await outbox.claim(bench.channel.tenant_id, their_session) is None
    claimed = await outbox.claim(bench.channel.tenant_id, accepted.session_id)
    assert claimed.content == "ours"
    assert await outbox.sent(bench.channel.tenant_id, [(claimed, "p-1", False)]) == {claimed.id}


async def test_only_ones_own_channels_are_listed(bench):
    channels = Channels(bench.database, bench.vault, bench.clock)
    assert [each.channel.account for each in await channels.list_all(bench.channel.tenant_id)] == ["site"]


async def test_installations_of_another_tenant_are_neither_found_nor_renewed_nor_revoked(bench):
    channels = Channels(bench.database, bench.vault, bench.clock)
    installations = Installations(bench.database, bench.vault, channels, bench.clock)
    refreshes = TokenRefreshes(bench.database, bench.vault, installations, bench.clock)
    other = await Tenants(bench.database, bench.vault, bench.clock).create("installer")
    tokens = Tokens("xoxe.xoxb-1", "xoxe-1", bench.clock() + timedelta(hours=1))
    theirs = await installations.save(other.id, Grant("A1", "T1", None, tokens))
    ours = bench.channel.tenant_id
    assert await installations.list_all(ours) == []
    assert await refreshes.claim(ours) == []
    for attempt in (
        installations.of_channel(ours, theirs.channel_id),
        installations.revoke(ours, theirs.channel_id),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(Conflict):
        await installations.save(ours, Grant("A1", "T1", None, Tokens("xoxb-ours")))
    assert await refreshes.replace(replace(theirs, tenant_id=ours), Tokens("xoxb-ours")) is False
    installations.forget(other.id, theirs.channel_id)
    assert (await installations.of_channel(other.id, theirs.channel_id)).tokens == tokens
