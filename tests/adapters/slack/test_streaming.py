from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.splitting import BUDGET, counted
from adapters.slack.streaming import LONGEST_PIECE, Sent, StreamPiece, inert, stream_pieces

JOINER = "\u2060"


def streamed(text: str, steps: list[int]) -> list[StreamPiece]:
    """All pieces of a text that came in steps of so many characters, over and over."""
    sent, made, upto, turn = Sent(), list[StreamPiece](), 0, 0
    while upto < len(text):
        upto = min(len(text), upto + steps[turn % len(steps)])
        turn += 1
        for piece in stream_pieces(text[:upto], sent):
            made.append(piece)
            sent = piece.sent
    for piece in stream_pieces(text, sent, done=True):
        made.append(piece)
    return made


def messages(pieces: list[StreamPiece]) -> list[str]:
    made: list[str] = []
    for piece in pieces:
        if piece.new_message or not made:
            made.append("")
        made[-1] += piece.markdown
    return made


def test_what_comes_is_sent_once() -> None:
    assert stream_pieces("", Sent()) == []
    (first,) = stream_pieces("Hello **wo", Sent())
    assert (first.markdown, first.sent, first.new_message) == ("Hello **wo", Sent(10, 0), False)
    assert stream_pieces("Hello **wo", first.sent) == []
    (second,) = stream_pieces("Hello **world**", first.sent)
    assert second.markdown == "rld**"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> x", f"<{JOINER}!channel> x"),
        ("<!everyone>x", f"<{JOINER}!everyone>x"),
        ("<@U123> x", f"<{JOINER}@U123> x"),
        ("<#C123> x", f"<{JOINER}#C123> x"),
        ("`<!here>` x", f"`<{JOINER}!here>` x"),
        (r"<\!here> x", rf"<{JOINER}\!here> x"),
        ("&lt;!here> x", f"&lt;{JOINER}!here> x"),
        ("&#60;!here> x", f"&#60;{JOINER}!here> x"),
        ("&#x3C;!here> x", f"&#x3C;{JOINER}!here> x"),
        ("<&#33;here> x", f"<{JOINER}&#33;here> x"),
        ("@here x", f"@{JOINER}here x"),
        ("__@Channel__ x", f"__@{JOINER}Channel__ x"),
        ("@hereabouts x", "@hereabouts x"),
        ("<https://e.com> x", "<https://e.com> x"),
        ("a < b, <b>x</b>", "a < b, <b>x</b>"),
        ("ada@example.com x", "ada@example.com x"),
    ],
)
def test_nothing_in_a_stream_mentions_anybody(text: str, shown: str) -> None:
    assert inert(text) == shown
    for step in (1, 2, 3, 50):
        assert "".join(piece.markdown for piece in streamed(text, [step])) == shown


@pytest.mark.parametrize(
    ("text", "ready"),
    [
        ("say @her", "say "),
        ("say @channel", "say "),
        ("a <", "a "),
        ("a <\\", "a "),
        ("a &#6", "a "),
        ("a &", "a "),
        ("see [the site](https://e.co", "see "),
        ("see [the si", "see "),
        ("see ![a", "see "),
        ("see [1] and", "see [1] and"),
        ("mail ada@e", "mail ada"),
    ],
)
def test_an_end_that_may_become_something_waits(text: str, ready: str) -> None:
    assert "".join(piece.markdown for piece in stream_pieces(text, Sent())) == ready
    assert "".join(piece.markdown for piece in stream_pieces(text, Sent(), done=True)) == inert(text)


def test_a_bracket_that_never_closes_does_not_hold_a_stream_for_ever() -> None:
    text = "see [" + "x" * 2_000
    assert stream_pieces(text, Sent())[-1].sent.upto == len(text)


def test_long_pieces_are_several() -> None:
    text = "word " * 2_000
    pieces = stream_pieces(text, Sent(), done=True)
    assert len(pieces) > 1
    assert "".join(piece.markdown for piece in pieces) == text
    assert not any(piece.new_message for piece in pieces)


def test_a_full_message_ends_with_a_paragraph() -> None:
    text = "\n\n".join(f"Paragraph {n} " + "word " * 100 for n in range(60))
    shown = messages(streamed(text, [37, 5, 400]))
    assert len(shown) > 2
    assert all(counted(message) <= BUDGET for message in shown)
    assert all(message.startswith("Paragraph") for message in shown)
    assert "\n\n".join(shown) == text


def test_code_is_closed_where_a_message_ends_and_opened_again() -> None:
    code = "\n".join(f"line {n}" for n in range(3_000))
    shown = messages(streamed(f"Look:\n\n```python\n{code}\n```\n\nDone.", [113]))
    assert len(shown) > 2
    assert all(message.count("```") == 2 for message in shown[:-1])
    assert all(message.endswith("\n```") for message in shown[:-1])
    assert all(message.startswith("```python\n") for message in shown[1:] if "line" in message)
    inside = "\n".join(
        re.sub(r"```(python)?\n?|Done\.|Look:\n\n", "", message).strip("\n") for message in shown
    )
    assert inside.strip("\n") == code


def test_a_full_message_is_not_gone_on_with_when_more_comes_later() -> None:
    text = "```\n" + "x = 1\n" * 1_800
    cut = stream_pieces(text, Sent())[0].sent.upto
    first = stream_pieces(text[: cut + 1], Sent())
    full = stream_pieces(text, Sent())
    assert (full[0].sent, full[1].new_message) == (Sent(cut, 0), False)
    *_, last = [piece for piece in full if piece.sent.upto == piece.sent.began]
    assert last.markdown.endswith("\n```")
    (more, *_) = stream_pieces(text + "y = 2\n```\n", last.sent)
    assert more.new_message
    assert more.markdown.startswith("```\n")
    assert first[-1].sent.began == 0


def test_blanks_alone_begin_no_message() -> None:
    text = "word " * 1_600 + "\n\n"
    pieces = stream_pieces(text + "x", Sent())
    assert pieces[-1].markdown == "x"
    sent = pieces[-2].sent
    assert sent.upto == sent.began
    assert stream_pieces(text + "  \n", sent, done=True) == []


def test_a_table_is_not_cut_where_there_is_another_place() -> None:
    table = "| A |\n|---|\n" + "\n".join(f"| {n} |" for n in range(100))
    text = "word " * 2_000 + "\n\n" + table
    shown = messages(stream_pieces(text, Sent(), done=True))
    assert shown[-1].startswith("| A |")


def test_code_with_blank_lines_and_tables_go_to_the_next_message_whole() -> None:
    code = "```\n" + "x = 1\n\n" * 500 + "```"
    first, second = messages(stream_pieces("word word\n\n" * 650 + code, Sent(), done=True))
    assert "x" not in first
    assert second == code
    lines, table = "word word\n" * 750, "| A |\n|---|\n" + "| 1 |\n" * 700
    first, second = messages(stream_pieces(lines + table, Sent(), done=True))
    assert "|" not in first
    assert second == "word word\n" + table


def test_links_and_code_are_not_cut_where_a_message_ends() -> None:
    link = "[a link with several words](https://example.com/a/long/path)"
    shown = messages(stream_pieces(f"{link} " * 400, Sent(), done=True))
    assert len(shown) > 1
    assert all(message.count("[") == message.count(")") == message.count("](") for message in shown)


@given(
    st.lists(
        st.sampled_from(
            ["word ", "\n", "\n\n", "**b** ", "```\n", "<!here>", "@here ", "[a](https://e.com) ", "& ", "é"]
        ),
        max_size=200,
    ),
    st.integers(1, 60),
    st.lists(st.integers(1, 900), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=150)
def test_nothing_is_lost_or_doubled_however_a_text_arrives(
    parts: list[str], times: int, steps: list[int]
) -> None:
    text = "".join(parts) * times
    pieces = streamed(text, steps)
    done = "".join(piece.markdown for piece in pieces).replace(JOINER, "")
    for fence in ("```", "\n"):
        done, text = done.replace(fence, ""), text.replace(fence, "")
    assert done == text
    assert all(len(piece.markdown) <= LONGEST_PIECE for piece in pieces)
    assert all(counted(message) <= BUDGET + 10 for message in messages(pieces))
    shown = messages(pieces)
    assert all("<!" not in message and "@here" not in message for message in shown)


@pytest.mark.parametrize(
    "unit", ["[", "![", "`", "```\n", "*", "~", "<", "&", "@here", "\n", " ", "|", "[a](", "https://"]
)
def test_a_long_run_of_anything_is_streamed_in_time(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    began = time.perf_counter()
    streamed(text, [2_000])
    assert time.perf_counter() - began < 5
