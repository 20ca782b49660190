"""What a flow says, free of any platform, and the shape in which a reply is stored.

A reply of text alone has content type `text`. Every other is `rich`, a JSON document that each adapter
renders as well as its platform can:

    {"text": "Which account?",
     "choices": [{"label": "Current", "payload": "ask:…"}],
     "card": {"title": "…", "text": "…", "fields": [["Name", "Ada"]], "link": "https://…", "image": "https://…"},
     "image": {"url": "https://…", "alt": "…"},
     "file": {"url": "https://…", "name": "terms.pdf", "type": "application/pdf"},
     "citations": [{"title": "Fees › Cards", "url": "https://…", "quote": "A new card costs …"}],
     "approval": {"id": "…", "expires_at": "2026-03-01T12:10:00+00:00"}}

Absent parts are left out. A `payload` is opaque text: pressing the button sends it back as the payload of
an action. On platforms without buttons, list the labels with numbers: both are understood when typed. `approval` names
the approval that a reply asks for, so that all that was shown of it can be brought up to date later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from flows.errors import FlowMistake
from storage.records import ContentType


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers. `value` is what `ask` returns (default: the label).

    `also` are other words that mean the same. In `say`, `flow` names the flow that the button starts.
    """

    label: str
    value: Any = None
    also: tuple[str, ...] = ()
    flow: str | None = None

    @property
    def answer(self) -> Any:
        return self.label if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Card:
    """A small panel: a title, a text, labelled fields, at most one link and one image (URLs)."""

    title: str
    text: str = ""
    fields: Sequence[tuple[str, str]] = ()
    link: str | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class File:
    url: str
    name: str
    type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Citation:
    """What a text rests on. `[1]` in the text stands for the first of a reply's citations, and so on."""

    title: str
    url: str | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalMark:
    """The approval that a reply asks for; `expires_at` in ISO 8601."""

    id: UUID
    expires_at: str


@dataclass(frozen=True, slots=True)
class Button:
    """A choice as it is shown, with the payload that pressing it sends."""

    label: str
    payload: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One thing said."""

    text: str = ""
    choices: tuple[Button, ...] = ()
    card: Card | None = None
    image: Image | None = None
    file: File | None = None
    citations: tuple[Citation, ...] = ()
    approval: ApprovalMark | None = None
    sensitive: bool = False


def render(reply: Reply) -> tuple[str, ContentType]:
    """The stored form of a reply. Characters that no store or platform takes are replaced."""
    document: dict[str, Any] = {}
    if reply.choices:
        document["choices"] = [
            {"label": clean(button.label), "payload": button.payload} for button in reply.choices
        ]
    if reply.card is not None:
        document["card"] = _card(reply.card)
    if reply.image is not None:
        document["image"] = {"url": clean(reply.image.url), "alt": clean(reply.image.alt)}
    if reply.file is not None:
        file = reply.file
        document["file"] = {"url": clean(file.url), "name": clean(file.name), "type": clean(file.type)}
    if reply.citations:
        document["citations"] = [_citation(citation) for citation in reply.citations]
    if reply.approval is not None:
        document["approval"] = {"id": str(reply.approval.id), "expires_at": reply.approval.expires_at}
    if not document:
        return clean(reply.text), ContentType.TEXT
    return orjson.dumps({"text": clean(reply.text), **document}).decode(), ContentType.RICH


def clean(text: str) -> str:
    """The text without NUL (PostgreSQL refuses it) and with half surrogates replaced."""
    if text.isascii():
        return text.replace("\x00", "")
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def as_choices(given: Sequence[str | Choice], verb: str) -> tuple[Choice, ...]:
    """What a verb was given as choices. Raises FlowMistake."""
    if isinstance(given, str) or not all(isinstance(choice, str | Choice) for choice in given):
        raise FlowMistake(
            f'{verb}: choices= is a list of texts and Choice, such as ["Yes", "No"], not {given!r}'
        )
    return tuple(choice if isinstance(choice, Choice) else Choice(choice) for choice in given)


def _citation(citation: Citation) -> dict[str, Any]:
    written: dict[str, Any] = {"title": clean(citation.title)}
    if citation.url:
        written["url"] = clean(citation.url)
    if citation.quote:
        written["quote"] = clean(citation.quote)
    return written


def _card(card: Card) -> dict[str, Any]:
    written: dict[str, Any] = {"title": clean(card.title)}
    if card.text:
        written["text"] = clean(card.text)
    if card.fields:
        written["fields"] = [[clean(name), clean(value)] for name, value in card.fields]
    if card.link:
        written["link"] = clean(card.link)
    if card.image:
        written["image"] = clean(card.image)
    return written
