"""Plainer forms of a message, for when Slack does not take it as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.slack.graphemes import cut
from adapters.slack.message import Block, Message, without_pictures
from adapters.slack.mrkdwn import escape
from adapters.slack.untrusted import entries, record

# What `chat.postMessage` says of blocks; a picture that it cannot fetch makes `invalid_blocks`, too:
# https://github.com/slackapi/python-slack-sdk/issues/1782
REFUSED_BLOCKS = {
    "block_mismatch",
    "blocks_too_long",
    "downloading_image_failed",
    "invalid_attachments",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "too_many_blocks",
}
# 40,000 are cut off by Slack: https://docs.slack.dev/changelog/2018-truncating-really-long-messages
_LONGEST_TEXT = 39_000
_MOST_LABELS = 100


def has_pictures(message: Message) -> bool:
    """Whether Slack has to fetch something for it."""
    return any(
        block["type"] == "image" or record(block, "accessory").get("type") == "image"
        for block in message.blocks
    )


def plainer(message: Message) -> Iterator[Message]:
    """The message with links for its pictures, if it has any; then its words alone, all of them."""
    if has_pictures(message):
        message = without_pictures(message)
        yield message
    yield words_only(message)


def words_only(message: Message) -> Message:
    """The message as text without blocks; its buttons become words, which can be typed."""
    shown = "\n".join(filter(None, map(_words, message.blocks)))
    return Message(cut(shown, _LONGEST_TEXT) or message.text, ())


def _words(block: Block) -> str:
    match block["type"]:
        case "rich_text":
            return "\n".join(_runs(element) for element in entries(block, "elements", 1_000))
        case "table":
            rows = entries(block, "rows")
            return "\n".join(" | ".join(_cell(cell) for cell in row) for row in rows)
        case "section":
            texts = [block.get("text"), *entries(block, "fields")]
            return "\n".join(_text(each) for each in texts if each)
        case "context":
            return "\n".join(_text(each) for each in entries(block, "elements"))
        case "actions":
            return " / ".join(_labels(block))
        case "image":
            return escape(str(block.get("alt_text", "")))
    return ""


def _runs(element: Any) -> str:
    """The words of a section, a quote or code; a list's items one a line."""
    inner = entries(record(element), "elements", 10_000)
    if record(element).get("type") == "rich_text_list":
        return "\n".join(f"• {_runs(each)}" for each in inner)
    return "".join(escape(str(run.get("text") or run.get("url") or "")) for run in map(record, inner))


def _cell(cell: Any) -> str:
    given = record(cell)
    if given.get("type") == "rich_text":
        return "".join(map(_runs, entries(given, "elements")))
    return escape(str(given.get("text", "")))


def _text(given: Any) -> str:
    """A text object; markup is escaped already."""
    text = str(record(given).get("text", ""))
    return text if record(given).get("type") == "mrkdwn" else escape(text)


def _labels(block: Block) -> Iterator[str]:
    for element in map(record, entries(block, "elements")):
        if element.get("type") == "button":
            yield _text(element.get("text")) or escape(str(element.get("url", "")))
        groups = [element, *map(record, entries(element, "option_groups"))]
        options = [option for group in groups for option in entries(group, "options")]
        yield from (_text(record(option).get("text")) for option in options[:_MOST_LABELS])
