"""Approvals on real Postgres: asked for by a commit, decided once, used once, gone with what waits for them."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from datetime import timedelta

import pytest
from turn_stores import MODES
from turn_stores import bench as open_bench

from storage.approval_records import ApprovalStatus, Approvers, Decision, NewApproval, WaitingApprovals
from storage.approvals import ApprovalPage, Approvals, Decided, WantedApprovals
from storage.errors import NotFound
from storage.ids import uuid7
from storage.outcomes import Link, TakenUp, Timer
from storage.records import EntryKind
from storage.sessions import Sessions

APPROVED, REJECTED, EXPIRED = ApprovalStatus.APPROVED, ApprovalStatus.REJECTED, ApprovalStatus.EXPIRED
PENDING, USED = ApprovalStatus.PENDING, ApprovalStatus.USED
MINUTE = timedelta(minutes=1)
ANYONE = Approvers(the_asker=True, operators=None)
HASH, OTHER = hashlib.sha256(b"shown").digest(), hashlib.sha256(b"other").digest()


@pytest.fixture(params=MODES)
async def bench(request, database, clock):
    async with open_bench(request.param, database, clock) as bench:
        yield bench


def approvals_of(bench):
    return Approvals(bench.database, bench.vault, bench.clock)


def new(bench, by=ANYONE, *, sensitive=False):
    until = bench.clock() + 10 * MINUTE
    return NewApproval(
        uuid7(), "transfer", "bank.send", "Send €40.00 to Ada", HASH, by, until, sensitive=sensitive
    )


async def asked(bench, *fresh, user="ada", **more):
    """A session that waits for approvals."""
    turn = await bench.claimed(user=user)
    timers = tuple(Timer(uuid7(), each.expires_at) for each in fresh)
    waiting = WaitingApprovals(new=fresh)
    await bench.commit(
        turn, "?", flow="transfer", parked_for=7 * MINUTE, timers=timers, approvals=waiting, **more
    )
    return turn.session


async def decide(bench, session, approval, operator="ann", *, approve=True, shown=HASH, reason=None):
    decided, _ = await approvals_of(bench).decide(
        session.tenant_id, approval.id, operator, approve=approve, reason=reason, shown_hash=shown
    )
    return decided


async def settle(bench, session, approval, decision=None, *, shown=HASH, sensitive=False):
    return await approvals_of(bench).settle(session, approval.id, shown, decision, sensitive=sensitive)


def by_user(status, reason=None):
    return Decision(status, "user:ada", reason)


async def listed(bench, tenant_id, status=None, session_id=None, limit=100):
    """The ids on all pages of a list, each page of so many at most."""
    wanted, after, found = WantedApprovals(status, session_id), None, []
    while True:
        page = await approvals_of(bench).page(tenant_id, wanted, after=after, limit=limit)
        found += [each.id for each in page.approvals]
        if page.end is None:
            return found
        assert len(page.approvals) == limit
        after = page.end


async def status(bench, approval):
    return (await bench.owner.fetchrow("select status, reason from approvals where id = $1", approval.id))[:2]


async def queued(bench):
    return await bench.eyes.fetchval("select count(*) from inbox where kind = 'decision'")


async def test_a_commit_asks_and_an_operators_yes_is_queued_for_the_session(bench):
    session = await asked(bench, approval := new(bench))
    assert await decide(bench, session, approval, reason="it is fine") is Decided.ACCEPTED
    turn = await bench.store.load(session.tenant_id, session.id)
    assert (turn.entry.kind, turn.entry.payload, turn.entry.message_id) == (
        EntryKind.DECISION,
        {"approval": str(approval.id)},
        None,
    )
    assert await settle(bench, session, approval) == Decision(APPROVED, "operator:ann", "it is fine")
    view = await approvals_of(bench).load(session.tenant_id, approval.id)
    assert (view.shown, view.action, view.flow, view.by) == (
        "Send €40.00 to Ada",
        "bank.send",
        "transfer",
        ANYONE,
    )
    assert (view.user_id, view.session_id, view.decided_at) == (session.user_id, session.id, bench.clock())


async def test_of_a_hundred_decisions_at_once_one_counts(bench):
    session = await asked(bench, approval := new(bench))
    outcomes = await asyncio.gather(
        *(decide(bench, session, approval, f"op{n}", approve=n % 2 == 0) for n in range(100))
    )
    assert Counter(outcomes) == {Decided.ACCEPTED: 1, Decided.DECIDED: 99}
    assert await queued(bench) == 1
    stands = await settle(bench, session, approval)
    first = outcomes.index(Decided.ACCEPTED)
    assert stands == Decision(APPROVED if first % 2 == 0 else REJECTED, f"operator:op{first}")


async def test_an_operators_no_and_the_persons_yes_at_once_are_one_decision(bench):
    session = await asked(bench, *(fresh := [new(bench) for _ in range(20)]))
    for approval in fresh:
        outcome, stands = await asyncio.gather(
            decide(bench, session, approval, approve=False),
            settle(bench, session, approval, by_user(APPROVED)),
        )
        assert (outcome, stands.status) in {(Decided.ACCEPTED, REJECTED), (Decided.DECIDED, APPROVED)}
        assert await settle(bench, session, approval) == stands


async def test_an_operator_whose_answer_was_lost_may_say_it_again(bench):
    session = await asked(bench, approval := new(bench))
    outcomes = await asyncio.gather(*(decide(bench, session, approval) for _ in range(20)))
    assert Counter(outcomes) == {Decided.ACCEPTED: 1, Decided.DUPLICATE: 19}
    assert await queued(bench) == 1
    assert await approvals_of(bench).use(session, approval.id, HASH, "k")
    assert await decide(bench, session, approval) is Decided.DUPLICATE
    assert await decide(bench, session, approval, approve=False) is Decided.DECIDED


async def test_a_yes_to_something_else_than_what_was_shown_is_refused(bench):
    session = await asked(bench, approval := new(bench))
    for shown in (OTHER, HASH[:-1] + b"\0", b"", HASH[:8]):
        assert await decide(bench, session, approval, shown=shown) is Decided.CHANGED
    assert (await settle(bench, session, approval, by_user(APPROVED), shown=OTHER)).status is EXPIRED
    assert tuple(await status(bench, approval)) == ("pending", None)
    assert await queued(bench) == 0


@pytest.mark.parametrize(
    ("by", "allowed"),
    [
        (ANYONE, {"ann", "bob"}),
        (Approvers(the_asker=False, operators=None), {"ann", "bob"}),
        (Approvers(the_asker=False, operators=("ann",)), {"ann"}),
        (Approvers(the_asker=True, operators=()), set()),
    ],
)
async def test_only_who_may_decides(bench, by, allowed):
    session = await asked(bench, *(fresh := [new(bench, by) for _ in range(3)]))
    for operator, approval in zip(("ann", "bob"), fresh, strict=False):
        expected = Decided.ACCEPTED if operator in allowed else Decided.NOT_ALLOWED
        assert await decide(bench, session, approval, operator) is expected
    said = await settle(bench, session, fresh[2], by_user(APPROVED))
    assert said.status is (APPROVED if by.the_asker else PENDING)
    assert await queued(bench) == len(allowed)


async def test_after_its_end_nobody_decides(bench):
    session = await asked(bench, one := new(bench), two := new(bench))
    bench.clock.advance(10 * MINUTE)
    assert await decide(bench, session, one) is Decided.EXPIRED
    assert await settle(bench, session, one) == Decision(PENDING)
    assert await settle(bench, session, one, by_user(APPROVED)) == Decision(EXPIRED)
    assert await settle(bench, session, two, Decision(EXPIRED)) == Decision(EXPIRED)
    assert await decide(bench, session, one) is Decided.EXPIRED
    assert await queued(bench) == 0


async def test_what_was_decided_in_time_stands_after_its_end(bench):
    session = await asked(bench, approval := new(bench))
    await decide(bench, session, approval)
    bench.clock.advance(10 * MINUTE)
    assert (await settle(bench, session, approval, Decision(EXPIRED))).status is APPROVED
    assert await approvals_of(bench).use(session, approval.id, HASH, "k")


async def test_a_yes_is_used_by_one_call_that_may_be_begun_again(bench):
    session = await asked(bench, approval := new(bench))
    use = approvals_of(bench).use
    assert not await use(session, approval.id, HASH, "k0")
    await settle(bench, session, approval, by_user(APPROVED))
    assert not await use(session, approval.id, OTHER, "k0")
    used = await asyncio.gather(*(use(session, approval.id, HASH, f"k{n}") for n in range(20)))
    assert used.count(True) == 1
    first = used.index(True)
    assert await use(session, approval.id, HASH, f"k{first}")
    assert not await use(session, approval.id, HASH, "another")
    assert tuple(await status(bench, approval)) == ("used", None)


async def test_a_persons_own_word_that_nothing_came_of_may_be_taken_back(bench):
    session = await asked(bench, *(fresh := [new(bench) for _ in range(5)]))
    back, changed, late, used, theirs = fresh
    yes, no, over = by_user(APPROVED), by_user(REJECTED), Decision(EXPIRED)
    eve = Decision(REJECTED, "user:eve")
    for approval in fresh:
        first = no if approval is changed else yes
        assert await settle(bench, session, approval, first) == first
    assert await settle(bench, session, back, no) == no
    assert await settle(bench, session, changed, yes) == yes
    assert await settle(bench, session, theirs, eve) == yes
    assert await approvals_of(bench).use(session, used.id, HASH, "k")
    bench.clock.advance(10 * MINUTE)
    assert await settle(bench, session, late, yes) == yes
    assert (await settle(bench, session, late, over)).status is EXPIRED
    assert await settle(bench, session, back, yes) == no
    assert await settle(bench, session, back, over) == no
    for word in (no, over, yes, None):
        assert await settle(bench, session, used, word) == Decision(USED, "user:ada", None, "k")
    assert not await approvals_of(bench).use(session, late.id, HASH, "k")


async def test_a_no_is_used_by_none(bench):
    session = await asked(bench, approval := new(bench))
    await settle(bench, session, approval, by_user(REJECTED, "too much"))
    assert not await approvals_of(bench).use(session, approval.id, HASH, "k")
    assert await settle(bench, session, approval) == by_user(REJECTED, "too much")


async def test_a_commit_ends_what_nothing_waits_for_any_more(bench):
    kept, gone, void, yes, no = fresh = [new(bench) for _ in range(5)]
    session = await asked(bench, *fresh)
    other = new(bench)
    await asked(bench, other, user="eve")
    await decide(bench, session, yes)
    await decide(bench, session, no, approve=False)
    reasons = dict.fromkeys((void.id, yes.id, no.id), "changed")
    turn = await bench.store.load(session.tenant_id, session.id)
    waiting = WaitingApprovals(kept=(kept.id,), void=reasons)
    await bench.commit(turn, flow="transfer", approvals=waiting)
    assert [tuple(await status(bench, each)) for each in (*fresh, other)] == [
        ("pending", None),
        ("expired", "withdrawn"),
        ("expired", "changed"),
        ("expired", "changed"),
        ("rejected", None),
        ("pending", None),
    ]
    assert await decide(bench, session, gone) is Decided.EXPIRED
    assert await decide(bench, session, yes) is Decided.EXPIRED


async def test_a_commit_that_has_to_do_with_none_leaves_them(bench):
    await asked(bench, approval := new(bench))
    await bench.commit(await bench.claimed("more"), flow="transfer")
    assert tuple(await status(bench, approval)) == ("pending", None)


@pytest.mark.parametrize("ended_by", ["its flow", "the sweep", "the next message"])
async def test_a_session_that_ends_waits_for_none(bench, ended_by):
    session = await asked(bench, approval := new(bench))
    if ended_by != "its flow":
        bench.clock.advance(8 * MINUTE)
    await asked(bench, others := new(bench), user="eve")
    if ended_by == "its flow":
        await bench.commit(await bench.claimed("bye"), "bye", close=True)
    else:
        if ended_by == "the sweep":
            assert await Sessions(bench.database, bench.clock).close_silent(session.tenant_id) == 1
        else:
            await bench.accept("hello again")
    assert tuple(await status(bench, approval)) == ("expired", "closed")
    assert tuple(await status(bench, others)) == ("pending", None)
    assert await decide(bench, session, approval) is Decided.EXPIRED


async def test_a_turn_that_asks_in_a_session_that_was_closed_meanwhile_leaves_none(bench):
    turn = await bench.claimed()
    await bench.owner.execute("update sessions set status = 'closed', ended_at = now(), end_reason = 'ended'")
    waiting = WaitingApprovals(new=(approval := new(bench),))
    await bench.commit(turn, flow="transfer", approvals=waiting)
    assert tuple(await status(bench, approval)) == ("expired", "closed")


async def test_with_secrets_what_was_shown_and_why_are_sealed(bench):
    session = await asked(bench, approval := new(bench, sensitive=True), theirs := new(bench, sensitive=True))
    assert await decide(bench, session, approval, reason="card 4711") is Decided.ACCEPTED
    await settle(bench, session, theirs, by_user(REJECTED, "card 4711"), sensitive=True)
    for row in await bench.owner.fetch(
        "select * from approvals where id = any($1)", [approval.id, theirs.id]
    ):
        assert (row["shown"], row["reason"]) == ("", None)
        assert b"4711" not in row["sealed_reason"]
        assert b"Ada" not in row["sealed"]
    view = await approvals_of(bench).load(session.tenant_id, approval.id)
    assert (view.shown, view.decision.reason) == ("Send €40.00 to Ada", "card 4711")
    assert (await settle(bench, session, theirs)).reason == "card 4711"


async def test_what_cannot_be_opened_is_shown_as_that(bench):
    session = await asked(bench, approval := new(bench, sensitive=True))
    await bench.owner.execute("update approvals set sealed = 'nonsense' where id = $1", approval.id)
    view = await approvals_of(bench).load(session.tenant_id, approval.id)
    assert view.shown == "[cannot be opened]"


async def test_those_that_can_be_decided_are_listed_newest_first(bench):
    session = await asked(bench, old := new(bench))
    bench.clock.advance(5 * MINUTE)
    await asked(bench, young := new(bench), decided := new(bench), user="eve")
    await decide(bench, session, decided)
    tenant_id = session.tenant_id
    assert await listed(bench, tenant_id, PENDING) == [young.id, old.id]
    bench.clock.advance(6 * MINUTE)
    assert await listed(bench, tenant_id, PENDING) == [young.id]
    assert await listed(bench, tenant_id, APPROVED) == [decided.id]
    assert await listed(bench, tenant_id, REJECTED) == []


async def test_whose_time_is_up_is_shown_as_expired_before_anybody_has_noticed(bench):
    session = await asked(bench, approval := new(bench))
    bench.clock.advance(timedelta(days=1))
    assert tuple(await status(bench, approval)) == ("pending", None)
    assert await listed(bench, session.tenant_id, PENDING) == []
    assert await listed(bench, session.tenant_id, EXPIRED) == [approval.id]
    shown = [await approvals_of(bench).load(session.tenant_id, approval.id)]
    shown += (
        await approvals_of(bench).page(session.tenant_id, WantedApprovals(), after=None, limit=1)
    ).approvals
    assert {view.decision.status for view in shown} == {EXPIRED}


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_a_list_is_read_page_by_page_and_of_one_session(bench, limit):
    session = await asked(bench, *(first := [new(bench) for _ in range(3)]))
    bench.clock.advance(MINUTE)
    eve = await asked(bench, *(second := [new(bench) for _ in range(2)]), user="eve")
    newest = [sorted((each.id for each in each_time), reverse=True) for each_time in (second, first)]
    for state in (None, PENDING):
        assert await listed(bench, session.tenant_id, state, limit=limit) == [*newest[0], *newest[1]]
        assert await listed(bench, session.tenant_id, state, session.id, limit) == newest[1]
        assert await listed(bench, session.tenant_id, state, eve.id, limit) == newest[0]
        assert await listed(bench, session.tenant_id, state, uuid7(), limit) == []


async def test_another_tenant_another_session_and_another_id_find_nothing(bench):
    session = await asked(bench, approval := new(bench))
    eve = await asked(bench, new(bench), user="eve")
    approvals, stranger = approvals_of(bench), uuid7()
    for tenant_id, approval_id in ((stranger, approval.id), (session.tenant_id, stranger)):
        assert await approvals.decide(
            tenant_id, approval_id, "ann", approve=True, reason=None, shown_hash=HASH
        ) == (Decided.UNKNOWN, None)
        with pytest.raises(NotFound, match="there is no approval"):
            await approvals.load(tenant_id, approval_id)
    for wanted in (WantedApprovals(), WantedApprovals(PENDING), WantedApprovals(session_id=session.id)):
        assert await approvals.page(stranger, wanted, after=None, limit=9) == ApprovalPage((), None)
    assert await settle(bench, eve, approval, by_user(APPROVED)) == Decision(EXPIRED)
    await settle(bench, session, approval, by_user(APPROVED))
    assert not await approvals.use(eve, approval.id, HASH, "k")
    assert tuple(await status(bench, approval)) == ("approved", None)


async def test_a_session_whose_flow_is_taken_up_elsewhere_waits_for_none(bench):
    session = await asked(bench, approval := new(bench))
    turn = await bench.claimed("link", user="ada2")
    await bench.commit(turn, links=(Link(session.user_id),))
    turn = await bench.claimed("continue", user="ada2")
    taken = TakenUp(session.id, 1, "Continued elsewhere.")
    await bench.commit(turn, flow="transfer", parked_for=7 * MINUTE, taken_up=taken)
    assert tuple(await status(bench, approval)) == ("expired", "withdrawn")
    assert await decide(bench, session, approval) is Decided.EXPIRED
