"""A stored reply as Slack's messages. Pure.

Words become rich text (markdown.py says why), choices buttons or a menu, and whatever is too long for one message
goes on in the next: nothing is left out.
"""

from __future__ import annotations

import orjson

from adapters.slack.elements import Code
from adapters.slack.markdown import read
from adapters.slack.message import Message
from adapters.slack.packing import Part, pack
from adapters.slack.render_card import card_parts, file_part, image_part, sources_parts
from adapters.slack.render_choices import choices_parts, feedback_part
from adapters.slack.untrusted import Given, entries, record
from adapters.slack.words import Words
from storage.records import ContentType

_WORDS = Words()
_MOST = 20_000


def render(
    content: str,
    content_type: ContentType,
    *,
    words: Words = _WORDS,
    feedback: str | None = None,
    text_shown: bool = False,
) -> list[Message]:
    """The messages of a reply, in the order in which they are posted; never none, unless `text_shown`.

    `feedback` is our id of the message, and asks for feedback buttons below it. `text_shown`: the text is there
    already, streamed; what is left goes below it.
    """
    reply = _reply(content, content_type)
    parts: list[Part] = []
    if not text_shown:
        if content_type is ContentType.JSON:
            parts.append(Code(content))
        else:
            parts += read(_text(reply))
    if card := record(reply, "card"):
        parts += card_parts(card)
    if image := record(reply, "image"):
        parts.append(image_part(image))
    if file := record(reply, "file"):
        parts.append(file_part(file))
    parts += sources_parts(entries(reply, "citations", _MOST))
    parts += choices_parts(_choices(reply), words)
    if not parts and not text_shown:
        parts += read("…")
    if feedback is not None:
        parts.append(feedback_part(feedback, words))
    return pack(parts)


def text_of(content: str, content_type: ContentType) -> str:
    """The words of a reply, in Markdown, without what goes below them."""
    return content if content_type is ContentType.JSON else _text(_reply(content, content_type))


def _reply(content: str, content_type: ContentType) -> Given:
    """The document of a rich reply; one that is none is shown as the text that it is."""
    if content_type is ContentType.RICH:
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            document = None
        if isinstance(document, dict):
            return document
    return {"text": content}


def _text(reply: Given) -> str:
    text = reply.get("text")
    return text if isinstance(text, str) else ""


def _choices(reply: Given) -> list[tuple[str, str]]:
    found = []
    for each in entries(reply, "choices", _MOST):
        label, payload = record(each).get("label"), record(each).get("payload")
        if isinstance(label, str) and isinstance(payload, str):
            found.append((label, payload))
    return found
