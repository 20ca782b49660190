from __future__ import annotations

from base64 import urlsafe_b64encode
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.web.cursor import Position, read_cursor, write_cursor


@given(st.uuids(), st.integers(0, 2**63 - 1))
def test_a_cursor_says_where_it_was_written(session_id: UUID, change: int) -> None:
    position = Position(session_id, change)
    assert read_cursor(write_cursor(position)) == position


@given(st.text(max_size=40))
def test_any_other_text_is_no_cursor_and_no_crash(text: str) -> None:
    position = read_cursor(text)
    assert position is None or len(write_cursor(position)) == 32


@pytest.mark.parametrize(
    "text",
    ["", "x", "!" * 32, "é" * 32, "A" * 33, urlsafe_b64encode(UUID(int=7).bytes + b"\xff" * 8).decode()],
)
def test_malformed_cursors_are_none(text: str) -> None:
    assert read_cursor(text) is None
