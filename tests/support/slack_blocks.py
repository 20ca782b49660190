"""Slack's blocks as a reader and as Slack's own checks see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk.models.blocks import Block

from adapters.slack.message import Message

TEXTS = {"plain_text": 3_000, "mrkdwn": 3_000}


def seen(messages: Sequence[Message]) -> str:
    """All words that the messages show, in order, without what only looks."""
    return "\n".join(word for message in messages for block in message.blocks for word in _words(block))


def squeezed(text: str) -> str:
    return "".join(text.split())


def check(message: Message) -> None:
    """Fails where Slack would refuse the message."""
    blocks = list(message.blocks)
    assert blocks
    assert len(blocks) <= 50
    assert 0 < len(message.text.encode()) <= 4_000
    assert sum(block["type"] == "table" for block in blocks) <= 1
    assert (
        sum(len(text) for block in blocks if block["type"] != "actions" for text in _strings(block)) <= 13_000
    )
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    assert len(ids) == len(set(ids))
    for block in blocks:
        _check_block(block)


def texts_of(value: Any) -> Iterator[dict[str, Any]]:
    """All text objects and elements with words, however deep."""
    if isinstance(value, dict):
        if value.get("type") in ("text", "link", "raw_text", "mrkdwn", "plain_text"):
            yield value
        for inner in value.values():
            yield from texts_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_of(inner)


def _words(block: dict[str, Any]) -> Iterator[str]:
    for text in texts_of(block):
        yield text.get("text", "")
    for name in ("alt_text",):
        if name in block:
            yield block[name]


def _strings(value: Any) -> Iterator[str]:
    for text in texts_of(value):
        yield text.get("text", "")
        yield text.get("url", "")


def _check_block(block: dict[str, Any]) -> None:
    if block["type"] not in ("table", "rich_text"):
        # The SDK knows the limits of the older blocks, and complains where they are broken.
        Block.parse(block).validate_json()
    match block["type"]:
        case "table":
            rows = block["rows"]
            assert 0 < len(rows) <= 100
            assert len({len(row) for row in rows}) == 1
            assert 0 < len(rows[0]) <= 20
            assert sum(len(text["text"]) for text in texts_of(rows)) <= 10_000
            assert len(block["column_settings"]) == len(rows[0])
        case "section":
            assert len(block.get("fields", [])) <= 10
            assert all(len(field["text"]) <= 2_000 for field in block.get("fields", []))
        case "actions":
            assert 0 < len(block["elements"]) <= 25
            for element in block["elements"]:
                _check_element(element)
    for text in texts_of(block):
        assert text["text"] != ""
        assert text["type"] not in TEXTS or len(text["text"]) <= TEXTS[text["type"]]
        assert text["type"] != "mrkdwn" or text["verbatim"] is True


def _check_element(element: dict[str, Any]) -> None:
    if element["type"] == "button":
        assert len(element["text"]["text"]) <= 75
        assert len(element.get("value", "")) <= 2_000
        return
    assert element["type"] == "static_select"
    assert ("options" in element) is not ("option_groups" in element)
    groups = element.get("option_groups", [{"options": element.get("options"), "label": {"text": "x"}}])
    assert 0 < len(groups) <= 100
    for group in groups:
        assert len(group["label"]["text"]) <= 75
        assert 0 < len(group["options"]) <= 100
        for option in group["options"]:
            assert len(option["text"]["text"]) <= 75
            assert 0 < len(option["value"]) <= 150
