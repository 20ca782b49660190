from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.graphemes import boundary, cut

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
CLUSTERS = [
    "a",
    " ",
    "\n",
    "\r\n",
    "é",
    "e\u0301",
    "🇩🇪",
    "🇫🇷",
    "👍🏽",
    FAMILY,
    "☝️",
    "1\ufe0f\u20e3",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "स्ते",
    "กำ",
    "각",
    "각",
    "漢",
]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_no_cut_falls_into_a_character(cluster: str) -> None:
    text = f"x{cluster}y"
    for at in range(2, 1 + len(cluster)):
        assert boundary(text, at) == 1
    assert boundary(text, 1) == 1
    assert boundary(text, 1 + len(cluster)) == 1 + len(cluster)


@given(st.lists(st.sampled_from(CLUSTERS), max_size=12), st.integers(0, 80))
def test_a_cut_falls_between_characters(clusters: list[str], at: int) -> None:
    text, edges = "", {0}
    for cluster in clusters:
        text += cluster
        edges.add(len(text))
    place = boundary(text, at)
    before = max(edge for edge in edges if edge <= at)
    assert place <= before or (place == at and before == 0)
    assert place in edges or before == 0


def test_a_run_without_an_end_is_cut_at_the_limit() -> None:
    zalgo = "e" + "\u0301" * 5_000
    assert boundary(zalgo, 1_000) == 1_000
    assert boundary("ab" + zalgo, 1_000) == 1_000
    assert boundary("\u0301" * 10, 5) == 5


def test_a_label_is_cut_with_an_ellipsis() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"
    assert cut("abc def", 5) == "abc…"
    assert cut("x" + FAMILY + "yy", 5) == "x…"
