from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_blocks import check, seen, squeezed, texts_of

from adapters.slack.elements import Paragraph, Span, words
from adapters.slack.render import render
from adapters.slack.splitting import (
    BUDGET,
    cost,
    counted,
    pieces,
    spans_cost,
    split_code,
    split_spans,
    split_text,
)
from storage.records import ContentType

FAMILY = "👨\u200d👩\u200d👧\u200d👦"


@pytest.mark.parametrize(
    ("text", "longest", "parts"),
    [
        ("short", 10, ["short"]),
        ("one two three", 9, ["one two", "three"]),
        ("One. Two three four.", 14, ["One. Two", "three four."]),
        ("First one. Second one.", 14, ["First one.", "Second one."]),
        ("para\nline two", 9, ["para", "line two"]),
        ("aaa\n\nbbb ccc", 9, ["aaa", "bbb ccc"]),
        ("漢字漢字。漢字漢字", 7, ["漢字漢字。", "漢字漢字"]),
        ("aaaa \u0301bbbb", 6, ["aaaa \u0301", "bbbb"]),
        ("xxxxxxxxxx", 4, ["xxxx", "xxxx", "xx"]),
        ("", 4, []),
        ("   ", 1, []),
    ],
)
def test_a_text_is_cut_where_a_reader_would(text: str, longest: int, parts: list[str]) -> None:
    assert split_text(text, longest) == parts


def test_a_character_is_never_cut() -> None:
    assert split_text(FAMILY * 3, 10) == [FAMILY] * 3
    assert split_text("e\u0301" * 4, 3) == ["e\u0301"] * 4
    assert split_code(FAMILY * 3, 10) == [FAMILY] * 3


def test_code_is_cut_between_lines_and_keeps_them() -> None:
    code = "\n".join(f"    line {n}" for n in range(50))
    parts = split_code(code, 100)
    assert "\n".join(parts) == code
    assert all(counted(part) <= 100 for part in parts)


def test_entities_count_as_slack_counts_them() -> None:
    assert counted("a&<>") == 1 + 5 + 4 + 4
    for message in render("&<>" * 8_000, ContentType.TEXT):
        check(message)
        assert sum(counted(text["text"]) for text in texts_of(list(message.blocks))) <= BUDGET


def test_a_link_and_a_bold_word_stay_whole() -> None:
    link = Span("two words", url="https://e.com")
    parts = split_spans((Span("x" * 10 + " "), link, Span(" y" * 20)), 75)
    assert [span for part in parts for span in part if span.url] == [link]
    first, second = split_spans((Span("word " * 20), link), 180)
    assert second == (link,)
    assert words(first).split() == ["word"] * 20
    bold = Span("very important", bold=True)
    parts = split_spans((Span("aa " * 10), bold, Span(" bb" * 10)), 80)
    assert [span for part in parts for span in part if span.bold] == [bold]


def test_a_run_that_fills_a_message_is_cut_and_looks_the_same_on_both_sides() -> None:
    parts = split_spans((Span("word " * 100, bold=True),), 200)
    assert len(parts) > 2
    assert all(span.bold for part in parts for span in part)
    assert squeezed("".join(words(part) for part in parts)) == "word" * 100


def test_a_heading_goes_with_what_it_heads() -> None:
    text = "word " * 2_030 + "\n\n## Heading\n\n" + "next " * 100
    first, second = render(text, ContentType.TEXT)
    assert "Heading" not in seen([first])
    assert squeezed(seen([second])).startswith("Headingnext")


def test_a_heading_that_has_no_room_beside_what_it_heads_stays_behind() -> None:
    messages = render("a\n\n# " + "Heading " * 88 + "\n\n" + "x" * 10_000, ContentType.TEXT)
    assert len(messages) == 2
    for message in messages:
        check(message)
        assert sum(counted(text["text"]) for text in texts_of(list(message.blocks))) <= BUDGET


def test_a_list_and_code_go_on_in_the_next_message() -> None:
    items = "\n".join(f"{n}. item {n} " + "x " * 40 for n in range(1, 301))
    messages = render(items, ContentType.TEXT)
    assert len(messages) > 1
    later = messages[1].blocks[0]["elements"][0]
    number = int(later["elements"][0]["elements"][0]["text"].split()[1])
    assert (later["type"], later["offset"]) == ("rich_text_list", number - 1)
    code = "```\n" + "\n".join(f"line {n}" for n in range(3_000)) + "\n```"
    messages = render(code, ContentType.TEXT)
    shown = [part for message in messages for part in message.blocks[0]["elements"]]
    assert {part["type"] for part in shown} == {"rich_text_preformatted"}
    assert "\n".join(part["elements"][0]["text"] for part in shown) == "\n".join(
        f"line {n}" for n in range(3_000)
    )


def test_many_blocks_are_several_messages() -> None:
    messages = render("a\n\n---\n\n" * 100, ContentType.TEXT)
    for message in messages:
        check(message)
    assert seen(messages).split() == ["a"] * 100


WORD = st.text("abcdefghijklmnopqrstuvwxyzäß漢字", min_size=1, max_size=12) | st.just(FAMILY)
WORDS = st.lists(WORD, min_size=1, max_size=60).map(" ".join)
INLINE = st.one_of(
    WORDS,
    WORDS.map(lambda text: f"**{text}**"),
    WORDS.map(lambda text: f"*{text}*"),
    WORDS.map(lambda text: f"~~{text}~~"),
    WORDS.map(lambda text: f"`{text}`"),
    WORDS.map(lambda text: f"[{text}](https://e.com/x)"),
)
LINE = st.lists(INLINE, min_size=1, max_size=8).map(" ".join)
BLOCK = st.one_of(
    LINE,
    LINE.map(lambda text: f"## {text}"),
    LINE.map(lambda text: f"> {text}"),
    st.lists(LINE, min_size=1, max_size=8).map(lambda lines: "\n".join(f"- {line}" for line in lines)),
    st.lists(LINE, min_size=1, max_size=8).map(
        lambda lines: "\n".join(f"{n}. {line}" for n, line in enumerate(lines, start=1))
    ),
    st.lists(WORDS, min_size=1, max_size=30).map(lambda lines: "```\n" + "\n".join(lines) + "\n```"),
    st.tuples(WORDS, st.lists(WORDS, min_size=1, max_size=20)).map(
        lambda table: f"| {table[0]} |\n|---|\n" + "\n".join(f"| {row} |" for row in table[1])
    ),
)
SYNTAX = str.maketrans("", "", "*~`[]#>-|.0123456789\n ")


@given(st.lists(BLOCK, min_size=1, max_size=6), st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_nothing_of_a_text_is_lost_or_doubled_and_all_is_in_order(blocks: list[str], times: int) -> None:
    text = "\n\n".join(blocks * times)
    messages = render(text, ContentType.TEXT)
    for message in messages:
        check(message)
    written = text.replace("](https://e.com/x)", "]").translate(SYNTAX)
    # A table that was cut says its head again; compare without what stands in heads.
    if "|---|" not in text:
        assert seen(messages).translate(SYNTAX) == written
    else:
        assert len(seen(messages).translate(SYNTAX)) >= len(written)


@given(st.text(max_size=2_000), st.integers(1, 30))
@settings(deadline=None)
def test_any_text_is_rendered_within_limits(text: str, times: int) -> None:
    for message in render(text * times, ContentType.TEXT):
        check(message)


LOOKS = st.builds(Span, st.text(max_size=80), st.booleans(), st.booleans(), st.booleans(), st.booleans())


@given(st.lists(LOOKS, max_size=20), st.integers(60, 300))
def test_runs_are_cut_without_losing_a_character_but_blanks(spans: list[Span], room: int) -> None:
    given = tuple(span for span in spans if span.text)
    parts = split_spans(given, room)
    assert squeezed("".join(map(words, parts))) == squeezed(words(given))
    for part in parts:
        assert spans_cost(part) <= room or len(words(part)) <= 1 + 128


@given(st.text(max_size=400), st.integers(8, 100))
def test_code_is_cut_without_losing_a_character(text: str, room: int) -> None:
    parts = split_code(text, room)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")


@given(st.text(max_size=3_000).filter(str.strip), st.integers(200, 900))
def test_pieces_cost_at_most_what_they_may(text: str, budget: int) -> None:
    for piece in pieces(Paragraph((Span(text),)), budget):
        assert cost(piece) <= budget
