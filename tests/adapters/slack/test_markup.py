from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.markup import MAX_TEXT, mentions, plain


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("hello", "hello"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;", "&lt;"),
        ("<@U061F7AUR>", "@Ada"),
        ("<@U999|bob>", "@bob"),
        ("<@U999>", "@U999"),
        ("<#C024BE7LR|general>", "#general"),
        ("<#C024BE7LR>", "#C024BE7LR"),
        ("<#C024BE7LR|>", "#C024BE7LR"),
        ("<!here> look", "@here look"),
        ("<!channel|channel>", "@channel"),
        ("<!everyone>", "@everyone"),
        ("<!subteam^S012|@ops>", "@ops"),
        ("<!subteam^S012>", "@S012"),
        ("<!date^1392734382^{date}|Feb 18>", "Feb 18"),
        ("<!unknown|label>", "label"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("<https://example.com/|the &lt;site&gt;>", "the <site> (https://example.com/)"),
        ("<http://example.com|example.com>", "example.com"),
        ("<https://example.com/|example.com>", "example.com"),
        ("<mailto:ada@example.com|ada@example.com>", "ada@example.com"),
        ("<tel:+4420|+4420>", "+4420"),
        ("a < b", "a < b"),
        ("<", "<"),
        ("<>", ""),
        ("half \ud800 and \x00 nul", "half ? and  nul"),
    ],
)
def test_markup_reads_as_people_see_it(written: str, read: str) -> None:
    assert plain(written, {"U061F7AUR": "Ada"}) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@U0BOT> hi", "hi"),
        ("  <@U0BOT>: hi", "hi"),
        ("<@U0BOT|parley>, hi", "hi"),
        ("<@U0BOT> <@U0BOT> hi", "hi"),
        ("hi <@U0BOT>", "hi"),
        ("hi <@U0BOT>  ", "hi"),
        ("<@U0BOT>", ""),
        ("ask <@U0BOT> about it", "ask @Parley about it"),
        ("&lt;@U0BOT&gt; hi", "<@U0BOT> hi"),
        ("<@U0BOTTOM> hi", "@U0BOTTOM hi"),
        ("<@U0BOT>\n- one\n- two", "- one\n- two"),
    ],
)
def test_the_bots_mention_is_dropped_where_it_only_calls(written: str, read: str) -> None:
    assert plain(written, {"U0BOT": "Parley"}, "U0BOT") == read


def test_only_real_mentions_mention() -> None:
    assert mentions("hey <@U0BOT> there", "U0BOT")
    assert mentions("<@U0BOT|parley>", "U0BOT")
    assert not mentions("&lt;@U0BOT&gt;", "U0BOT")
    assert not mentions("<@U0BOTTOM>", "U0BOT")
    assert not mentions("<@U0BOT>", None)


def test_text_beyond_slacks_own_limit_is_cut() -> None:
    assert len(plain("x" * (MAX_TEXT + 1))) == MAX_TEXT


@pytest.mark.parametrize("unit", [" ", "<", "<@U0BOT>", "<@", "<@U0BOT", "&", "\n", "<@U0BOT> "])
def test_a_long_run_of_anything_is_read_at_once(unit: str) -> None:
    began = time.perf_counter()
    plain("x" + unit * (MAX_TEXT // len(unit)) + "x", {}, "U0BOT")
    assert time.perf_counter() - began < 1


@given(st.text())
def test_no_text_raises_and_all_can_be_stored(text: str) -> None:
    read = plain(text, {}, "U0BOT")
    read.encode()
    assert "\x00" not in read
