"""Slack's markup: what its client makes of what is typed, and the block in which it writes it again.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.emulators.slack.records import Json

_MARKUP = re.compile(r"<(?P<inside>[^<>]+)>")
_LINK = re.compile(r"https?://[^\s<>]+")
_MENTION = re.compile(r"@([\w-]+)")
_ROOM = re.compile(r"(?<![\w&])#([\w-]+)")
_EVERYBODY = ("channel", "here", "everyone")


def typed(text: str, users: Mapping[str, str]) -> str:
    """Escape what is typed, and mark links and mentions. `users` are ids by name."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    linked = _LINK.sub(lambda found: f"<{found[0]}>", escaped)

    def mention(found: re.Match[str]) -> str:
        name = found[1].lower()
        if name in _EVERYBODY:
            return f"<!{name}>"
        return f"<@{users[name]}>" if name in users else found[0]

    return _MENTION.sub(mention, linked)


def typed_command(text: str, users: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """A command's text with people and channels as `<@id|name>` and `<#id|name>`, where an app escapes them.

    https://docs.slack.dev/interactivity/implementing-slash-commands
    """

    def mention(found: re.Match[str]) -> str:
        name = found[1].lower()
        return f"<@{users[name]}|{name}>" if name in users else found[0]

    def room(found: re.Match[str]) -> str:
        name = found[1].lower()
        return f"<#{channels[name]}|{name}>" if name in channels else found[0]

    return _ROOM.sub(room, _MENTION.sub(mention, _LINK.sub(lambda found: f"<{found[0]}>", text)))


def rich_text(text: str, seed: str) -> Json:
    """The block in which Slack's own client writes a person's text, besides `text` itself."""
    elements: list[Json] = []
    at = 0
    for found in _MARKUP.finditer(text):
        if found.start() > at:
            elements.append({"type": "text", "text": unescaped(text[at : found.start()])})
        elements.append(_element(found["inside"]))
        at = found.end()
    if at < len(text):
        elements.append({"type": "text", "text": unescaped(text[at:])})
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": f"r{seed[-5:]}", "elements": [section]}


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _element(inside: str) -> Json:
    target, _, label = inside.partition("|")
    match target[:1]:
        case "@":
            return {"type": "user", "user_id": target[1:]}
        case "#":
            return {"type": "channel", "channel_id": target[1:]}
        case "!":
            return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": target} | ({"text": unescaped(label)} if label else {})
