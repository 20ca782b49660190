"""How often Slack is called, by a clock that is moved."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.pacing import ROOM_LIMIT, Limit, Pacer, limit_of

THREE_IN_TEN = Limit(3, 10)


class Watch:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def pacer(watch):
    return Pacer(now=watch, jitter=lambda: 0.0)


def test_as_many_as_the_limit_says_go_at_once_and_the_next_waits_for_the_window(pacer, watch):
    assert [pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60) for n in range(3)] == [0, 0, 0]
    assert pacer.wait_s("a", THREE_IN_TEN, 3, hold_s=60) == 10
    watch.now += 10
    assert pacer.wait_s("a", THREE_IN_TEN, 3, hold_s=60) == 0


def test_those_who_wait_come_once_more_each_and_in_their_order(pacer, watch):
    waits = [pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60) for n in range(10)]
    assert waits == [0, 0, 0, 10, 10, 10, 20, 20, 20, 30]
    watch.now += 10
    assert pacer.wait_s("a", THREE_IN_TEN, "new", hold_s=60) == 20  # behind all of them
    assert [pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60) for n in (5, 4, 3)] == [0, 0, 0]
    assert pacer.wait_s("a", THREE_IN_TEN, 6, hold_s=60) == 10


def test_a_place_too_far_away_is_not_kept(pacer, watch):
    for n in range(3):
        pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60)
    for n in range(100):
        assert pacer.wait_s("a", THREE_IN_TEN, f"impatient {n}", hold_s=2) == 10
    assert pacer.wait_s("a", THREE_IN_TEN, "patient", hold_s=60) == 10
    assert len(pacer) == 2


def test_another_workspace_and_another_method_go_on(pacer):
    for n in range(4):
        pacer.wait_s(("T1", "chat.update"), THREE_IN_TEN, n, hold_s=60)
    assert pacer.wait_s(("T2", "chat.update"), THREE_IN_TEN, 4, hold_s=60) == 0
    assert pacer.wait_s(("T1", "users.info"), THREE_IN_TEN, 4, hold_s=60) == 0


def test_what_slack_says_to_wait_blocks_the_lane_and_those_who_have_a_place_in_it(pacer, watch):
    for n in range(4):
        pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60)
    assert pacer.block("a", THREE_IN_TEN, 30) == 30
    assert pacer.blocked_s("a") == 30
    watch.now += 10
    assert pacer.wait_s("a", THREE_IN_TEN, 3, hold_s=60) == 20
    assert pacer.wait_s("a", THREE_IN_TEN, 4, hold_s=60) == 20
    watch.now += 20
    assert [pacer.wait_s("a", THREE_IN_TEN, n, hold_s=60) for n in (3, 4)] == [0, 0]
    assert pacer.blocked_s("a") == 0


def test_a_shorter_wait_does_not_end_a_longer_one(pacer):
    pacer.block("a", THREE_IN_TEN, 30)
    pacer.block("a", THREE_IN_TEN, 1)
    assert pacer.blocked_s("a") == 30


def test_what_slack_says_is_lengthened_by_jitter(watch):
    pacer = Pacer(now=watch, jitter=lambda: 0.5)
    assert pacer.block("a", THREE_IN_TEN, 1) == 1.5
    assert pacer.blocked_s("nobody asked") == 0


def test_memory_is_bounded(watch):
    pacer = Pacer(now=watch, most_lanes=10, most_places=10)
    for n in range(1000):
        pacer.wait_s(f"lane {n}", THREE_IN_TEN, n, hold_s=60)
        pacer.wait_s("one", Limit(1, 0.5), n, hold_s=1000)
    assert len(pacer) == 20


def test_every_method_has_a_limit():
    assert limit_of("chat.postMessage") == ROOM_LIMIT
    assert limit_of("chat.startStream") == limit_of("a method of tomorrow") == Limit(20, 60)
    assert limit_of("chat.appendStream") == Limit(100, 60)
    assert limit_of("chat.update") == Limit(50, 60)


@given(
    st.integers(1, 5),
    st.lists(
        st.one_of(
            st.tuples(st.just("new"), st.sampled_from([0.0, 2.0, 100.0])),
            st.tuples(st.just("again"), st.integers(0, 20)),
            st.tuples(st.just("later"), st.floats(0.0, 15.0)),
            st.tuples(st.just("block"), st.floats(0.0, 15.0)),
        ),
        max_size=120,
    ),
)
def test_never_more_than_the_limit_in_any_window_whoever_comes_early_or_late(calls, steps):
    watch, limit, numbers = Watch(), Limit(calls, 10.0), count()
    pacer = Pacer(now=watch, jitter=lambda: 0.0)
    waiting: list[int] = []
    made: list[float] = []
    for step, value in steps:
        if step == "later":
            watch.now += value
        elif step == "block":
            pacer.block("a", limit, value)
        else:
            if step == "again" and not waiting:
                continue
            ticket = waiting.pop(value % len(waiting)) if step == "again" else next(numbers)
            hold = value if step == "new" else 100.0
            blocked = pacer.blocked_s("a")
            wait = pacer.wait_s("a", limit, ticket, hold_s=hold)
            if wait == 0:
                assert blocked == 0
                made.append(watch.now)
            elif wait <= hold:
                waiting.append(ticket)
    for first, last in zip(made, made[calls:], strict=False):
        assert last - first >= limit.seconds


@given(st.integers(1, 5), st.integers(1, 40))
def test_all_who_come_when_they_were_told_to_go_in_the_end(calls, many):
    watch, limit = Watch(), Limit(calls, 8.0)
    pacer = Pacer(now=watch)
    due = dict.fromkeys(range(many), watch.now)
    gone: list[int] = []
    while due:
        n = min(due, key=lambda each: (due[each], each))
        watch.now = max(watch.now, due.pop(n))
        wait = pacer.wait_s("a", limit, n, hold_s=10_000)
        if wait:
            due[n] = watch.now + wait
        else:
            gone.append(n)
    assert gone == list(range(many))
    assert watch.now - 1000.0 <= 8.0 * ((many - 1) // calls) + 1e-6
