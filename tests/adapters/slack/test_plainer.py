"""Plainer forms of a message: nothing that it says is left out."""

from __future__ import annotations

import orjson
from slack_blocks import seen, squeezed

from adapters.slack.plainer import has_pictures, plainer, words_only
from adapters.slack.render import render
from storage.records import ContentType

CARD = {
    "title": "Gold & more",
    "text": "A *fine* card",
    "image": "https://cards.example/gold.png",
    "fields": [["Fee", "<none>"]],
    "link": "https://cards.example/gold",
}
RICH = {
    "text": "# Fees\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n```\ncode\n```\n[a link](https://x.example)",
    "card": CARD,
    "image": {"url": "https://x.example/cat.png", "alt": "A cat"},
    "citations": [{"title": "Terms", "url": "https://x.example/terms", "quote": "q"}],
    "choices": [{"label": f"Choice {n}", "payload": str(n)} for n in range(7)],
}


def rendered(content):
    [message] = render(orjson.dumps(content).decode(), ContentType.RICH)
    return message


def test_pictures_are_seen_in_blocks_and_beside_them():
    assert has_pictures(rendered({"text": "x", "image": RICH["image"]}))
    assert has_pictures(rendered({"text": "x", "card": CARD}))
    assert not has_pictures(rendered({"text": "x"}))


def test_first_the_pictures_go_and_then_the_blocks():
    first, second = plainer(rendered(RICH))
    assert not has_pictures(first)
    assert first.blocks != ()
    assert second.blocks == ()
    assert len(list(plainer(rendered({"text": "x"})))) == 1


def test_the_words_alone_hold_all_that_was_shown():
    message = rendered(RICH)
    words = squeezed(words_only(message).text)
    for line in (
        "Fees",
        "• one",
        "• two",
        "a | b",
        "1 | 2",
        "quoted",
        "code",
        "a link",
        "A cat",
        "[1] Terms",
    ):
        assert squeezed(line) in words
    for line in ("Gold &amp; more", "Fee", "&lt;none&gt;", "cards.example", "Choice 0", "Choice 6"):
        assert squeezed(line) in words
    assert seen([message]).count("Choice") == 7


def test_a_long_text_stays_whole():
    message = rendered({"text": "x" * 9_000})
    assert words_only(message).text == "x" * 9_000


def test_a_message_without_words_keeps_what_its_notification_says():
    message = rendered({"text": "x"})
    assert words_only(type(message)("shown", ())).text == "shown"
