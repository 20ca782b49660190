"""What the rehearsed bot says, and how a test writes to it in a browser."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import orjson
from playwright.async_api import Page
from rehearsal import Rehearsal, Talk

from adapters.web.ports import ReplyState
from storage.records import ContentType, Inbound, MessageStatus


async def answer(rehearsal: Rehearsal, talk: Talk, inbound: Inbound, reply_id: UUID) -> None:
    """What the rehearsed bot says."""
    if inbound.content == "wait":
        return
    content, content_type = f"You said: {inbound.content}", ContentType.TEXT
    if inbound.content == "choose":
        choices = [{"label": label, "payload": f"ask:{label}"} for label in ("Current", "Savings")]
        content = orjson.dumps({"text": "Which account?", "choices": choices}).decode()
        content_type = ContentType.RICH
    elif inbound.content == "cite":
        citations = [
            {
                "title": "Fees › Cards",
                "url": "https://bank.example/fees",
                "quote": "A card <b>costs</b> five.",
            },
            {"title": "Notes", "url": "javascript:alert(1)"},
        ]
        content = orjson.dumps({"text": "Five euros. [1]", "citations": citations}).decode()
        content_type = ContentType.RICH
    elif inbound.content == "markup":
        content = (
            "**bold** <img src=x onerror=alert(1)> [bad](javascript:alert(1)) [good](https://good.example/)"
        )
    elif inbound.payload is not None:
        content = f"Pressed {inbound.payload}"
    said = rehearsal.say(talk, content, content_type=content_type, message_id=reply_id)
    rehearsal.replies[reply_id] = ReplyState(MessageStatus.COMPLETED, said)


async def write(page: Page, text: str) -> None:
    field = page.locator("parley-chat textarea")
    await field.fill(text)
    await field.press("Enter")


def bubble(page: Page, text: str) -> Any:
    return page.locator("parley-chat .finished .bubble", has_text=re.compile(f"^{re.escape(text)}$"))
