from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.markup import plain
from adapters.slack.mrkdwn import LONGEST_URL, escape, link, mrkdwn, public_url, strong, web_url


@given(st.text())
def test_escaped_text_reads_back_and_mentions_nobody(text: str) -> None:
    escaped = escape(text)
    assert "<" not in escaped
    assert ">" not in escaped
    assert plain(escaped) == plain(escape(plain(escaped)))


def test_slack_finds_nothing_in_a_text_by_itself() -> None:
    assert mrkdwn("x")["verbatim"] is True


def test_words_are_bold_unless_that_would_change_them() -> None:
    assert strong("Fees & <more>") == mrkdwn("*Fees &amp; &lt;more&gt;*")
    for odd in ("a*b", "snake_case", "~", "`x`", "two\nlines", ""):
        assert strong(odd)["type"] == "plain_text"
        assert strong(odd)["text"] == (odd or "–")


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://example.com/a?b=1&c=2", "https://example.com/a?b=1&c=2"),
        ("http://example.com", "http://example.com"),
        ("mailto:ada@example.com", "mailto:ada@example.com"),
        ("https://example.com/a|b>c d", "https://example.com/a%7Cb%3Ec%20d"),
        ("https://münchen.example/ä", "https://münchen.example/ä"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("slack://open", None),
        ("//example.com", None),
        ("/relative", None),
        ("https:", None),
        ("https://[", None),
        ("https://example.com/\n", None),
        ("https://example.com/" + "x" * LONGEST_URL, None),
        ("", None),
        (None, None),
        (3, None),
    ],
)
def test_only_addresses_of_the_web_are_links(url: object, written: str | None) -> None:
    assert web_url(url) == written


def test_a_link_holds_its_words() -> None:
    assert link("https://example.com/?a=1&b=2", "a <b>\n| c") == (
        "<https://example.com/?a=1&amp;b=2|a &lt;b&gt; | c>"
    )


@pytest.mark.parametrize(
    ("url", "is_public"),
    [
        ("https://example.com/x.png", True),
        ("http://8.8.8.8/x.png", True),
        ("https://localhost/x.png", False),
        ("https://intranet/x.png", False),
        ("http://127.0.0.1/x.png", False),
        ("http://10.0.0.1/x.png", False),
        ("http://169.254.169.254/latest", False),
        ("http://[::1]/x.png", False),
        ("http://2130706433/x.png", False),
        ("http://127.1/x.png", False),
        ("http://localhost./x.png", False),
        ("http://db.internal/x.png", False),
        ("http://printer.local/x.png", False),
        ("https://user:pw@example.com/x.png", False),
        ("mailto:x@example.com", False),
        ("file:///x.png", False),
    ],
)
def test_only_what_slack_can_fetch_is_a_picture(url: str, is_public: bool) -> None:
    assert (public_url(url) is not None) is is_public
