"""Quotes: the right part of a passage, as plain text, never longer than it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.knowledge.quoting import plain_blocks, quote

PASSAGE = """# Cards

Cards come in blue and in green, and everybody likes the blue ones a little better than the green ones, which is odd.

- A *new* card costs **five** [euros](https://bank.example/fees).
- It comes within a `week`.

| limit | euros |
| --- | --- |
| a day | 500 |

```sh
parley run
```
"""


def test_blocks_are_plain_text_without_headings() -> None:
    assert list(plain_blocks(PASSAGE))[1:] == [
        "A new card costs five euros.",
        "It comes within a week.",
        "limit | euros",
        "a day | 500",
        "parley run",
    ]


def test_rows_of_a_table_that_was_cut_are_rows() -> None:
    assert list(plain_blocks("| `a day` | 500 |\n| a week | **900** |")) == ["a day | 500", "a week | 900"]


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("What does a new card cost?", "A new card costs five euros."),
        ("daily limit in euros", "limit | euros"),
        ("how do I run it", "parley run"),
        ("entirely else", "Cards come in blue"),
    ],
)
def test_a_quote_begins_where_the_question_is_spoken_of(question: str, begins: str) -> None:
    assert quote(question, PASSAGE, longest=60).startswith(begins[:50])


def test_what_does_not_speak_of_the_question_is_not_added_to_a_quote_that_says_enough() -> None:
    said = quote("green cards", PASSAGE, longest=1000)
    assert said.startswith("Cards come in blue")
    assert "week" not in said


def test_a_long_text_is_cut_behind_a_sentence() -> None:
    assert quote("card", "A card is blue. It is small. " * 20, longest=40) == "A card is blue. It is small. …"
    assert quote("card", "card " * 100, longest=20) == "card card card …"


def test_nothing_to_quote() -> None:
    assert quote("card", "# Only a heading", longest=100) == ""


@given(st.text(max_size=300), st.text(max_size=2000), st.integers(20, 400))
def test_any_text_is_quoted_within_its_length(question: str, passage: str, longest: int) -> None:
    assert len(quote(question, passage, longest=longest)) <= longest
