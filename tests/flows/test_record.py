"""The record: values and frames come back from JSON as they went in."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.errors import RecordFull, Unrecordable
from flows.record import Damaged, Frame, Pending, Row, Status, read_frames, write_frame
from flows.values import decode, digest, encode

texts = st.text(st.characters(), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda moment: moment.replace(fold=0))
    | st.decimals(allow_nan=False)
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner)
        | st.dictionaries(st.sampled_from(["$", "v"]), inner)
    ),
    max_leaves=12,
)


def as_jsonb_returns(encoded: Any) -> Any:
    """What PostgreSQL hands back: numbers as `numeric` prints them, so a large float becomes an integer."""

    def rewrite(value: Any) -> Any:
        if isinstance(value, float):
            printed = format(Decimal(repr(value)), "f")
            return orjson.loads(printed)
        if isinstance(value, list):
            return [rewrite(item) for item in value]
        if isinstance(value, dict):
            return {key: rewrite(item) for key, item in value.items()}
        return value

    written = orjson.dumps(encoded)
    assert b"\\u0000" not in written
    return rewrite(orjson.loads(written))


@settings(deadline=None)
@given(values)
def test_a_value_comes_back_from_jsonb_as_it_was(value: Any) -> None:
    read = decode(as_jsonb_returns(encode(value, "call x#0")))
    assert repr(read) == repr(value)


@settings(deadline=None)
@given(values, values)
def test_equal_values_and_only_those_have_equal_digests(one: Any, other: Any) -> None:
    same = repr(one) == repr(other)
    if same:
        assert digest(encode(one, "x")) == digest(encode(other, "x"))
    elif one != other:
        assert digest(encode(one, "x")) != digest(encode(other, "x"))


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value", [(1, 2), {1, 2}, b"x", object(), math.nan, math.inf, {1: 2}, Colour.RED, {"a\x00": 1}, [[(1,)]]]
)
def test_a_value_that_json_cannot_hold_is_refused_with_the_verbs_name(value: Any) -> None:
    with pytest.raises(Unrecordable, match="call bank#0"):
        encode(value, "call bank#0")


def test_a_value_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Unrecordable, match="64 deep"):
        encode(endless, "memo x#0")


def test_a_recorded_list_shares_nothing_with_the_flows_own() -> None:
    mine = [1, {"a": [2]}]
    encoded = encode(mine, "x")
    mine.append(3)
    assert encoded == [1, {"a": [2]}]


names = st.text(st.characters(categories=["Ll", "Nd"]), min_size=1, max_size=4)
rows = st.builds(
    Row,
    ordinal=st.integers(0, 999),
    scope=st.sampled_from(["", "child#0/"]),
    key=names.map(lambda name: f"{name}#0"),
    kind=st.sampled_from(["ask", "call", "memo", "otp", "enter"]),
    digest=names,
    status=st.sampled_from(Status),
    value=values.map(lambda value: encode(value, "x")),
    final=st.booleans(),
)
pendings = st.none() | st.builds(Pending, names, st.sampled_from(["ask", "otp"]), names, st.booleans())
frames = st.builds(
    Frame,
    flow=names,
    version=names,
    run=names,
    rows=st.lists(rows, max_size=4).map(lambda found: {row.path: row for row in found}),
    carried=st.lists(rows, max_size=2).map(lambda found: {row.path: row for row in found}),
    ordinal=st.just(1000),
    pending=pendings,
    heard=st.none() | names,
    tries=st.integers(0, 3),
    opening=names,
    sensitive=st.booleans(),
    kept=st.dictionaries(names, st.tuples(names, st.integers(0, 9)).map(list)),
    expected=pendings,
)


@settings(deadline=None)
@given(st.lists(frames, min_size=1, max_size=3))
def test_frames_come_back_from_json_as_they_were(stack: list[Frame]) -> None:
    stored = orjson.loads(orjson.dumps({"format": 1, "frames": [write_frame(frame) for frame in stack]}))
    assert read_frames(stored) == stack


@pytest.mark.parametrize(
    "stored",
    [
        {"format": 2, "frames": []},
        {"frames": []},
        {"format": 1},
        {"format": 1, "frames": [{}]},
        {"format": 1, "frames": 7},
        {"format": 1, "frames": [None]},
        {"anything": "else"},
    ],
)
def test_state_that_does_not_parse_is_damaged(stored: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        read_frames(stored)


@settings(deadline=None)
@given(st.lists(frames, min_size=1, max_size=1), st.data())
def test_a_frame_with_any_part_missing_or_replaced_parses_or_is_damaged(
    stack: list[Frame], data: Any
) -> None:
    written = orjson.loads(orjson.dumps(write_frame(stack[0])))
    part = data.draw(st.sampled_from(sorted(written)))
    written[part] = data.draw(st.none() | st.integers() | st.text() | st.lists(st.integers(), max_size=2))
    try:
        read_frames({"format": 1, "frames": [written]})
    except Damaged:
        return


def test_a_frame_takes_a_thousand_entries_and_no_more() -> None:
    frame = Frame("f", "1", "r")
    for position in range(1000):
        frame.add("", f"a#{position}", "ask", "", Status.OK, None, False)
    frame.add("", "a#0", "ask", "", Status.OK, "again", False)
    with pytest.raises(RecordFull, match="1000"):
        frame.add("", "a#1000", "ask", "", Status.OK, None, False)


def test_tagged_values_name_their_type() -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    values = [date(2026, 1, 2), moment, Decimal("1.10"), UUID(int=1)]
    assert [item["$"] for item in encode(values, "x")] == ["date", "datetime", "decimal", "uuid"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (object(), "a value of type object cannot be recorded; give it as JSON"),
        ({1, 2}, "a set cannot be recorded; give it as JSON, date, datetime, Decimal, UUID or UploadedFile"),
        ((1, 2), "a tuple cannot be recorded; make it a list"),
        (b"x", "a value of type bytes cannot be recorded"),
    ],
)
def test_what_cannot_be_recorded_is_told_with_what_can(value: object, told: str) -> None:
    with pytest.raises(Unrecordable, match=f"^memo x: {told}"):
        encode(value, "memo x")
