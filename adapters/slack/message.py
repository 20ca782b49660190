"""A message as `chat.postMessage` and `chat.update` take it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from adapters.slack.graphemes import boundary
from adapters.slack.marks import CHOICES_BLOCK
from adapters.slack.mrkdwn import escape, link, mrkdwn, plain_text, web_url

Block = dict[str, Any]

# `chat.update` refuses a `text` of more than 4,000 bytes of UTF-8, though its documentation says characters.
MOST_TEXT_BYTES = 3_800
_LONGEST_CHOSEN = 1_000


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to be sent along, from where it can be read now."""

    url: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its blocks, and `text` (escaped) for notifications and for clients without blocks.

    `upload` is a file that the message links to, for a client that uploads it.
    """

    text: str
    blocks: tuple[Block, ...]
    upload: Upload | None = None

    def arguments(self) -> dict[str, Any]:
        """What to call the method with, besides channel, thread and metadata. Nothing in it is parsed or unfurled."""
        return {
            "text": self.text,
            "blocks": list(self.blocks),
            "parse": "none",
            "link_names": False,
            "unfurl_links": False,
            "unfurl_media": False,
        }

    def changes(self) -> dict[str, Any]:
        """What to call `chat.update` with, besides channel and ts; without blocks the text takes their place."""
        changes: dict[str, Any] = {"text": self.text, "parse": "none", "link_names": False}
        return {**changes, "blocks": list(self.blocks)} if self.blocks else changes


def fallback(shown: str) -> str:
    """What a notification says: the words, escaped, at most 3,800 bytes, never empty."""
    text = escape(shown.strip()) or "…"
    if len(text.encode()) <= MOST_TEXT_BYTES:
        return text
    kept = text.encode()[: MOST_TEXT_BYTES - 3].decode(errors="ignore")
    kept = kept[: boundary(text, len(kept))]
    entity = kept.rfind("&")
    if entity >= 0 and ";" not in kept[entity:]:
        kept = kept[:entity]
    return kept.rstrip() + "…"


def retired(message: Message, chosen: str | None) -> Message:
    """The message without its choices, and what was chosen of them; None: they have expired.

    Also for the blocks that Slack sends with a press. Ids of blocks change with a message, as Slack wants it.
    """
    blocks: list[Block] = []
    for block in message.blocks:
        if str(block.get("block_id", "")).partition("/")[0] != CHOICES_BLOCK:
            blocks.append(block)
        elif chosen is not None:
            said = f"✓ {chosen}"
            kept = said if len(said) <= _LONGEST_CHOSEN else said[: boundary(said, _LONGEST_CHOSEN - 1)] + "…"
            blocks.append({"type": "context", "block_id": "chosen", "elements": [plain_text(kept)]})
    if not blocks:
        blocks = [
            {"type": "section", "text": {"type": "mrkdwn", "text": message.text[:3_000], "verbatim": True}}
        ]
    return replace(message, blocks=tuple(blocks))


def without_pictures(message: Message) -> Message:
    """The message with links for its pictures: Slack refuses the whole of it when it cannot fetch one."""
    blocks: list[Block] = []
    for block in message.blocks:
        if block["type"] == "image":
            blocks.append({"type": "context", "elements": [mrkdwn(_picture_link(block))]})
        elif (accessory := block.get("accessory", {})).get("type") == "image":
            blocks.append({name: value for name, value in block.items() if name != "accessory"})
            blocks.append({"type": "context", "elements": [mrkdwn(_picture_link(accessory))]})
        else:
            blocks.append(block)
    return replace(message, blocks=tuple(blocks))


def _picture_link(image: Block) -> str:
    url = web_url(image.get("image_url"))
    return link(url, image["alt_text"]) if url else escape(image["alt_text"])
