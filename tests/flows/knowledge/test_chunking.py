"""Chunks: of the size that was measured to find most, on boundaries, with nothing left out."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.knowledge.chunking import LONGEST, chunk
from flows.knowledge.sections import sections
from flows.knowledge.words import bigrams

SENTENCE = "The parcel is sent back to us within {} days, and the money follows. "
GUIDE = """# Guide

What it is.

## Install

{}

## Run

Start it.
""".format("".join(SENTENCE.format(n) for n in range(40)))


def contents(title: str, text: str) -> list[str]:
    return [each.content for each in chunk(title, text)]


def test_a_short_text_is_one_chunk_under_its_headings():
    [only] = chunk("Guide", "# Guide\n\nWhat it is.\n\n## Install\n\nRun it.")
    assert (only.position, only.heading) == (0, "Guide")
    assert only.content == "# Guide\n\nWhat it is.\n\n## Install\n\nRun it."


def test_a_long_section_is_cut_between_sentences_under_its_path():
    made = chunk("Guide", GUIDE)
    assert [each.position for each in made] == list(range(len(made)))
    assert made[0].heading == "Guide"
    inside = [each for each in made if each.heading == "Guide › Install"]
    assert len(inside) >= 4
    assert made[-1].heading == "Guide › Run"
    for each in inside:
        assert each.content.startswith(("## Install", "The parcel"))
        assert each.content.endswith(".")
        assert len(each.content) <= LONGEST
    assert all(len(each.content) >= 500 for each in inside[:-1])


def test_a_chunk_begins_with_the_end_of_the_one_before():
    inside = [each.content for each in chunk("Guide", GUIDE) if each.heading == "Guide › Install"]
    shared = []
    for before, after in pairwise(inside):
        length = next(n for n in range(len(after), 0, -1) if before.endswith(after[:n].rstrip()))
        shared.append(length / len(after))
    # The last one is what is left over.
    assert all(0.05 <= part <= 0.3 for part in shared[:-1]), shared


def test_short_sections_side_by_side_share_a_chunk_and_keep_the_path_above_them():
    text = "# FAQ\n\n" + "Questions that people have asked us. " * 16 + "\n\n"
    text += "\n\n".join(f"## Question {n}?\n\nAn answer of a few words." for n in range(6))
    made = chunk("FAQ", text)
    assert [each.heading for each in made] == ["FAQ", "FAQ"]
    assert made[1].content.startswith("## Question 0?")
    assert made[1].content.endswith("An answer of a few words.")


def test_a_section_does_not_share_a_chunk_with_the_next_chapter():
    made = chunk("Book", "# One\n\n## A\n\nText a.\n\n# Two\n\n## B\n\nText b.")
    assert [(each.heading, each.content.split()[1]) for each in made] == [("One", "One"), ("Two", "Two")]


def test_code_that_fits_is_not_torn():
    code = "```python\n" + "\n".join(f"value_{n} = compute({n})" for n in range(20)) + "\n```"
    text = f"# Code\n\n{SENTENCE.format(1) * 6}\n\n{code}\n\n{SENTENCE.format(2) * 6}"
    assert any(code in each for each in contents("Code", text))
    # What follows does not begin in the middle of it either.
    assert all(each.count("```") % 2 == 0 for each in contents("Code", text))


def test_a_heading_inside_code_is_none():
    text = "# Real\n\n```sh\n# not a heading\n```\n\n~~~\n```\n# nor this\n~~~\n\nSetext\n------\n\ntext"
    assert [section.path for section in sections(text)] == [("Real",), ("Real", "Setext")]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("## Run `it` *now* ##", "Run it now"),
        ("## See [the guide](http://x/y) first", "See the guide first"),
        ("# snake_case stays", "snake_case stays"),
        ("# " + "long " * 100, "long " * 19 + "long…"),
    ],
)
def test_a_heading_is_kept_as_its_words(line, heading):
    assert sections(line)[0].path == (heading,)


@pytest.mark.parametrize(
    "line", ["#hashtag", "####### seven", "#", "    # code", "two\nlines\n---", "- item\n---"]
)
def test_what_is_no_heading(line):
    assert [section.path for section in sections(line)] == [()]


def test_full_text_and_embedding_see_the_title_and_the_headings_once():
    [only] = chunk("Handbook", "# Refunds\n\nWithin days.")
    assert only.search_text == only.embedded == "Handbook\nRefunds\n# Refunds\n\nWithin days."
    [only] = chunk("Refunds", "# Refunds\n\nWithin days.")
    assert only.embedded == "Refunds\n# Refunds\n\nWithin days."


def test_chinese_is_searched_by_pairs_and_embedded_as_it_is():
    [only] = chunk("退款", "需要三天 with money")
    assert only.search_text.split() == ["退款", "需要", "要三", "三天", "with", "money"]
    assert only.embedded == "退款\n需要三天 with money"
    assert only.content == "需要三天 with money"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no runs, left alone", ["no", "runs,", "left", "alone"]),
        ("我", ["我"]),
        ("カード決済", ["カー", "ード", "ド決", "決済"]),
        ("환불은 3일", ["환불", "불은", "3", "일"]),
        ("version2版", ["version2", "版"]),
    ],
)
def test_runs_are_cut_into_pairs(text, words):
    assert bigrams(text).split() == words


MARKDOWN = st.lists(
    st.one_of(
        st.sampled_from(
            ["# A\n", "## B\n", "### C\n", "```\n", "~~~\n", "| a | b |\n", "|-|-|\n", "---\n", "> q\n"]
        ),
        st.sampled_from(
            ["\n", "\n\n", " ", "- item\n", "1. one\n", SENTENCE, "word " * 60, "x" * 1500, "退款需要。" * 90]
        ),
        st.text(max_size=40),
    ),
    max_size=40,
).map("".join)


@given(MARKDOWN)
def test_every_character_is_in_some_chunk(text):
    made = contents("t", text)
    assert all(0 < len(each) <= LONGEST for each in made)
    covered = 0
    for each in made:
        # Each is a part of the text that begins at the latest where what is covered ends.
        following = covered + len(text[covered:]) - len(text[covered:].lstrip())
        start = text.rfind(each, 0, following + len(each))
        assert start >= 0
        covered = start + len(each)
    assert text[covered:].strip() == ""


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "word " * 200_000,
        "#" * 500_000,
        "# " + "[" * 500_000,
        "> " * 300_000,
        "- " * 300_000,
        "`" * 500_000,
        "*a_ " * 200_000,
        "<a " * 200_000,
        "[a](b " * 100_000,
        "\n".join("  " * n + "- a" for n in range(700)),
        "# a\n\nb\n\n" * 40_000,
        "退款需要" * 100_000,
    ],
    ids=lambda text: text[:6],
)
def test_what_is_meant_to_be_slow_is_not(text):
    began = time.monotonic()
    made = chunk("t", text)
    assert time.monotonic() - began < 10
    assert sum(len(each.content) for each in made) < 2 * len(text)
