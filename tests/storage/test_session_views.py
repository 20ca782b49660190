"""What operators see of sessions: the right ones, in order, opened, and of their tenant only."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from uuid import UUID

import pytest
from filled import fill, watched
from turn_stores import MODES, POLICIES_ALONE, outcome
from turn_stores import bench as open_bench

from storage import statements
from storage.desk import Handled, OperatorActions
from storage.durable import DurableTurnStore
from storage.ids import uuid7
from storage.messages import UNREADABLE
from storage.outbox import Outbox
from storage.outcomes import NewMessage, NewState, Outcome
from storage.records import MessageStatus, Sender
from storage.session_views import Place, SessionViews, Standing, Wanted
from storage.transcripts import Transcripts

SMALL = {"tenants", "channels", "tenant_keys", "user_keys"}


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


@pytest.fixture
def views(bench):
    return SessionViews(bench.database)


@pytest.fixture
def transcripts(bench):
    return Transcripts(bench.database, bench.vault)


@pytest.fixture
def actions(bench):
    return OperatorActions(bench.database, bench.vault, bench.clock)


async def talk(bench, user, *texts, **more):
    """A session in which each text was answered; its id."""
    for text in texts:
        turn = await bench.claimed(text, user=user)
        await bench.commit(turn, f"you said {text}", **more)
    return turn.session.id


async def walk(views, tenant_id, wanted, limit=2):
    """All pages of a list."""
    after, found = None, []
    while True:
        page = await views.page(tenant_id, wanted, after=after, limit=limit)
        found += [view.external_user_id for view in page.sessions]
        after = page.end
        if after is None:
            return found
        assert len(page.sessions) == limit


async def test_open_sessions_come_with_the_newest_activity_first(bench, views):
    for user in ("ada", "bob", "cyd", "dan", "eve"):
        await talk(bench, user, "hi")
        bench.clock.advance(timedelta(minutes=1))
    await talk(bench, "bob", "again")
    listed = await walk(views, bench.channel.tenant_id, Wanted())
    assert listed == ["bob", "eve", "dan", "cyd", "ada"]


async def test_sessions_at_the_very_same_time_come_once_each(bench, views):
    users = [f"u{n}" for n in range(7)]
    for user in users:
        await talk(bench, user, "hi")
    assert sorted(await walk(views, bench.channel.tenant_id, Wanted())) == users


async def test_those_who_wait_longest_for_a_person_come_first(bench, views, actions):
    tenant_id = bench.channel.tenant_id
    ids = {user: await talk(bench, user, "hi") for user in ("ada", "bob", "cyd", "dan")}
    for user in ("cyd", "ada", "bob"):
        bench.clock.advance(timedelta(minutes=1))
        assert await actions.take(tenant_id, ids[user], "zoe", force=False) is Handled.ACCEPTED
    bench.clock.advance(timedelta(minutes=1))
    await bench.accept("are you there?", user="cyd")
    assert await walk(views, tenant_id, Wanted(Standing.HANDOFF)) == ["cyd", "ada", "bob"]
    assert await walk(views, tenant_id, Wanted(Standing.ACTIVE)) == ["dan"]
    assert len(await walk(views, tenant_id, Wanted(Standing.OPEN))) == 4


async def test_ones_own_are_those_that_one_has_taken(bench, views, actions):
    tenant_id = bench.channel.tenant_id
    ids = {user: await talk(bench, user, "hi") for user in ("ada", "bob", "cyd")}
    await actions.take(tenant_id, ids["ada"], "zoe", force=False)
    await actions.take(tenant_id, ids["bob"], "yan", force=False)
    assert await walk(views, tenant_id, Wanted(owner="zoe")) == ["ada"]
    assert await walk(views, tenant_id, Wanted(Standing.HANDOFF, owner="yan")) == ["bob"]
    assert await walk(views, tenant_id, Wanted(owner="nobody")) == []


async def test_closed_sessions_come_with_the_last_end_first(bench, views):
    for user in ("ada", "bob", "cyd"):
        bench.clock.advance(timedelta(minutes=1))
        await talk(bench, user, "bye", close=True)
    await talk(bench, "dan", "hi")
    tenant_id = bench.channel.tenant_id
    assert await walk(views, tenant_id, Wanted(Standing.CLOSED)) == ["cyd", "bob", "ada"]
    [view] = (await views.page(tenant_id, Wanted(Standing.CLOSED), after=None, limit=1)).sessions
    assert (view.status, view.end_reason, view.ended_at) == ("closed", "ended", bench.clock())


async def test_all_sessions_of_a_user_are_shown_closed_or_not(bench, views):
    first = await talk(bench, "ada", "bye", close=True)
    bench.clock.advance(timedelta(minutes=1))
    second = await talk(bench, "ada", "hi")
    await talk(bench, "bob", "hi")
    tenant_id = bench.channel.tenant_id
    user_id = (await views.one(tenant_id, first)).view.user_id
    page = await views.page(tenant_id, Wanted(user_id=user_id), after=None, limit=9)
    assert [view.id for view in page.sessions] == [second, first]
    page = await views.page(tenant_id, Wanted(Standing.CLOSED, user_id=user_id), after=None, limit=9)
    assert [view.id for view in page.sessions] == [first]
    page = await views.page(tenant_id, Wanted(user_id=uuid7()), after=None, limit=9)
    assert page.sessions == ()


async def test_a_list_is_narrowed_to_a_platform_and_a_channel(bench, views):
    await talk(bench, "ada", "hi")
    tenant_id = bench.channel.tenant_id
    assert await walk(views, tenant_id, Wanted(platform="web")) == ["ada"]
    assert await walk(views, tenant_id, Wanted(platform="slack")) == []
    assert await walk(views, tenant_id, Wanted(channel_id=bench.channel.id)) == ["ada"]
    assert await walk(views, tenant_id, Wanted(channel_id=uuid7())) == []


async def test_a_session_tells_where_it_stands_and_who_has_it(bench, views, actions):
    session_id = await talk(bench, "ada", "hi", flow="order")
    tenant_id = bench.channel.tenant_id
    await actions.take(tenant_id, session_id, "zoe", force=False)
    detail = await views.one(tenant_id, session_id)
    view = detail.view
    assert (view.status, view.owner, view.handed_over_at, view.flow, view.flow_version) == (
        "handoff",
        "zoe",
        bench.clock(),
        "order",
        "1",
    )
    assert (view.account, view.platform, view.external_user_id, view.messages) == ("site", "web", "ada", 2)
    assert (detail.troubles, detail.dead_letters) == ((), 0)


async def test_what_went_wrong_in_a_session_is_told(bench, views, transcripts):
    store = DurableTurnStore(bench.database, bench.vault, bench.clock, pushed=["web"])
    turn = (await store.accept(bench.inbound("hi"), claim=True)).turn
    await store.commit(turn, outcome("one", "two"), claim_next=False)
    tenant_id, session_id = bench.channel.tenant_id, turn.session.id
    outbox = Outbox(bench.database, bench.vault)
    first = await outbox.claim(tenant_id, session_id)
    await outbox.failed(first, "the number is blocked")
    second = await outbox.claim(tenant_id, session_id)
    await outbox.label(second)
    await outbox.sent(tenant_id, [(second, "p-1", False)])
    turn = (await store.accept(bench.inbound("boom"), claim=True)).turn
    await store.bury(turn, outcome("sorry", state=None, error="ValueError in order:5"), claim_next=False)
    detail = await views.one(tenant_id, session_id)
    assert detail.dead_letters == 1
    assert [
        (each.message_id, each.status, each.possible_duplicate, each.error) for each in detail.troubles
    ] == [
        (second.id, "sent", True, None),
        (first.id, "failed", False, "the number is blocked"),
    ]
    lines = await transcripts.read(tenant_id, session_id, before=None, after=None, limit=50)
    assert [(line.delivery, line.possible_duplicate) for line in lines] == [
        (None, False),
        ("failed", False),
        ("sent", True),
        (None, False),
        ("queued", False),
    ]
    assert lines[3].status is MessageStatus.FAILED


async def test_a_transcript_is_read_in_pieces_from_either_end(bench, transcripts):
    session_id = await talk(bench, "ada", *"abcde")
    tenant_id = bench.channel.tenant_id

    async def seqs(**more):
        lines = await transcripts.read(
            tenant_id, session_id, **({"before": None, "after": None, "limit": 4} | more)
        )
        return [line.seq for line in lines]

    assert await seqs() == [7, 8, 9, 10]
    assert await seqs(before=7) == [3, 4, 5, 6]
    assert await seqs(before=3) == [1, 2]
    assert await seqs(before=1) == []
    assert await seqs(after=0) == [1, 2, 3, 4]
    assert await seqs(after=8) == [9, 10]
    assert await seqs(after=10) == []


async def test_a_placeholder_is_no_line(bench, transcripts):
    accepted = await bench.accept("hi", wants_reply=True)
    lines = await transcripts.read(
        bench.channel.tenant_id, accepted.session_id, before=None, after=None, limit=9
    )
    assert [(line.sender, line.content) for line in lines] == [(Sender.USER, "hi")]


async def secret_session(bench):
    """A session whose flow waits for a secret, so that what the user says is sealed; its id and its user's."""
    turn = await bench.claimed("start")
    await bench.commit(turn, "Your PIN?", flow="pin", data={"x": 1}, sensitive=True)
    return turn.session.id, turn.session.user_id


async def test_sealed_lines_are_opened_and_struck_out_ones_stay_so(bench, transcripts):
    session_id, _ = await secret_session(bench)
    turn = await bench.claimed("1234")
    assert turn.entry.sealed
    state = NewState({"x": 2}, "pin", "1", None, True)
    replies = (NewMessage(uuid7(), "You have €5.", sensitive=True),)
    await bench.store.commit(turn, Outcome(replies, state, redact_input=True), claim_next=False)
    await bench.accept("and more", claim=False)
    tenant_id = bench.channel.tenant_id
    lines = await transcripts.read(tenant_id, session_id, before=None, after=None, limit=9)
    assert [line.content for line in lines] == [
        "start",
        "Your PIN?",
        "[sensitive]",
        "You have €5.",
        "and more",
    ]
    assert await bench.owner.fetchval("select count(*) from messages where sealed is not null") == 2


async def test_of_an_erased_user_what_was_sealed_is_unreadable_and_the_rest_is_shown(bench, transcripts):
    session_id, user_id = await secret_session(bench)
    await bench.accept("my secret", claim=False)
    tenant_id = bench.channel.tenant_id
    async with bench.database.tenant(tenant_id) as connection:
        await bench.vault.erase_user(connection, tenant_id, user_id)
    bench.vault.forget_user(tenant_id, user_id)
    lines = await transcripts.read(tenant_id, session_id, before=None, after=None, limit=9)
    assert [line.content for line in lines] == ["start", "Your PIN?", UNREADABLE]


async def test_a_sealed_line_that_was_altered_does_not_hide_the_others(bench, transcripts):
    session_id, _ = await secret_session(bench)
    await bench.accept("my secret", claim=False)
    await bench.owner.execute(
        "update messages set sealed = set_byte(sealed, length(sealed) - 1, "
        "(get_byte(sealed, length(sealed) - 1) + 1) % 256) where sealed is not null"
    )
    lines = await transcripts.read(bench.channel.tenant_id, session_id, before=None, after=None, limit=9)
    assert [line.content for line in lines] == ["start", "Your PIN?", UNREADABLE]


@pytest.mark.parametrize("loose", [False, True], ids=["as they are", "by policies alone"])
async def test_another_tenants_sessions_are_as_unknown_as_any(database, clock, monkeypatch, tmp_path, loose):
    if loose:
        for table in statements.tables():
            text = (statements.FOLDER / f"{table}.sql").read_text()
            (tmp_path / f"{table}.sql").write_text(
                re.sub(r"\b(\w+\.)?tenant_id = \$1(?!\d)", "$1::uuid is not null", text)
            )
        monkeypatch.setattr(statements, "FOLDER", tmp_path)
    async with open_bench(POLICIES_ALONE, database, clock) as bench:
        views, transcripts = SessionViews(bench.database), Transcripts(bench.database, bench.vault)
        ours = await talk(bench, "ada", "hi")
        tenant_id = bench.channel.tenant_id
        theirs = await bench.owner.fetchrow(
            "select id, user_id, channel_id, tenant_id from sessions where tenant_id <> $1 limit 1", tenant_id
        )
        for wanted in (Wanted(), Wanted(Standing.CLOSED), Wanted(Standing.HANDOFF)):
            page = await views.page(tenant_id, wanted, after=None, limit=50)
            assert {view.id for view in page.sessions} <= {ours}
        for wanted in (Wanted(user_id=theirs["user_id"]), Wanted(channel_id=theirs["channel_id"])):
            assert (await views.page(tenant_id, wanted, after=None, limit=50)).sessions == ()
        for session_id in (theirs["id"], uuid7()):
            assert await views.one(tenant_id, session_id) is None
            lines = await transcripts.read(tenant_id, session_id, before=None, after=None, limit=50)
            assert lines is None
        assert await views.one(theirs["tenant_id"], theirs["id"]) is not None


def digest(name: str) -> UUID:
    return UUID(hashlib.md5(name.encode()).hexdigest())


async def test_nothing_that_operators_see_reads_a_large_table_whole(database, clock):
    async with open_bench("durable", database, clock) as bench:
        await fill(bench)
        # Few are open at a time; of those a page may sort all.
        await bench.owner.execute(
            "update sessions set status = 'closed', ended_at = now() where get_byte(uuid_send(id), 0) < 254"
        )
        await bench.owner.execute(
            "update sessions set status = 'handoff', handed_over_at = now() "
            "where status = 'active' and get_byte(uuid_send(id), 0) = 254"
        )
        await bench.owner.execute("vacuum analyze")
        tenant_id = bench.channel.tenant_id
        everything = [
            Wanted(),
            Wanted(Standing.HANDOFF),
            Wanted(Standing.CLOSED),
            Wanted(user_id=digest("u7")),
            Wanted(owner="zoe"),
        ]
        async with watched(database.runtime_url) as eyes:
            views, transcripts = SessionViews(eyes), Transcripts(eyes, bench.vault)
            for wanted in everything:
                await views.page(tenant_id, wanted, after=None, limit=20)
                await views.page(tenant_id, wanted, after=Place(bench.clock(), uuid7()), limit=20)
            assert await views.one(tenant_id, digest("s3")) is not None
            for more in ({"before": None, "after": 3}, {"before": 9, "after": None}):
                assert await transcripts.read(tenant_id, digest("s3"), limit=5, **more)
            assert {k: v for k, v in (await eyes.read_whole()).items() if k not in SMALL} == {}
