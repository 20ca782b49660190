"""A stored session becomes a conversation test that passes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from written_tests import bot_from

from flows.rehearsal.conversation import Conversation
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_text
from flows.rehearsal.script import NOON, Raised, Returned
from flows.rehearsal.services import RehearsedServices
from flows.rehearsal.transcript import told
from flows.rehearsal.writing import calls_on_record, write
from storage.records import ContentType, MessageStatus, Sender, StoredMessage

FLOWS = """
from decimal import Decimal
from flows import CallFailed, Chat, Flow

shop = Flow("shop", phrases=["shop: open"])

async def price(thing): return Decimal("1.50")
async def stock(thing): raise ConnectionError("away")

@shop
async def keep_shop(chat: Chat) -> None:
    thing = await chat.ask("thing", "Which: this or that?", choices=["this", "that"])
    cost = await chat.call(price, thing)
    try:
        await chat.call(stock, thing)
    except CallFailed:
        await chat.say("I do not know how many there are.")
    await chat.say(f"It costs {cost}.\\nReally.")
    await chat.ask("sure", "Sure?", choices=["yes", "no"])
"""


class Stored:
    """What a session leaves in the transcript."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    def add(self, sender: Sender, content: str, content_type: ContentType, after: timedelta) -> None:
        number = len(self.messages) + 1
        created = (self.messages[-1].created_at if self.messages else NOON) + after
        self.messages.append(
            StoredMessage(
                UUID(int=number),
                UUID(int=1),
                UUID(int=2),
                number,
                number,
                number,
                sender,
                content,
                content_type,
                MessageStatus.COMPLETED,
                None,
                created,
            )
        )


async def test_a_recorded_session_passes_as_a_test(tmp_path: Path) -> None:
    bot, stored = bot_from(tmp_path, FLOWS), Stored()
    talk = Conversation(bot, RehearsedServices())
    for text, after in (("shop: open", timedelta()), ("that", timedelta(days=3, seconds=20))):
        stored.add(Sender.USER, text, ContentType.TEXT, after)
        await talk.type(text)
        assert talk.outcome is not None
        for reply in talk.outcome.replies:
            stored.add(Sender.BOT, reply.content, reply.content_type, timedelta(seconds=1))
    written = write("Session 1: recorded", stored.messages, calls_on_record(talk.state))
    [script] = read_text(written, Path("recorded.yaml"))
    assert script.given.calls == {
        "price": (Returned(Decimal("1.50")),),
        "stock": (Raised("ConnectionError", "away"),),
    }
    assert "  - later: 3 days\n" in written
    transcript = await play(bot, script)
    assert not transcript.differs, "\n".join(told(transcript))


def test_what_looks_like_something_else_stays_text() -> None:
    stored = Stored()
    for text in ("yes", "007", "a: b", "- x", "[sensitive]", "#1", "ä\n\nb"):
        stored.add(Sender.USER, text, ContentType.TEXT, timedelta())
    [script] = read_text(write("no: 1", stored.messages, {}), Path("x"))
    assert [getattr(line, "text", None) for line in script.talk] == [each.content for each in stored.messages]


async def test_the_calls_of_a_sensitive_flow_are_left_out(tmp_path: Path) -> None:
    source = FLOWS.replace('phrases=["shop: open"]', 'phrases=["shop: open"], sensitive=True')
    talk = Conversation(bot_from(tmp_path, source), RehearsedServices())
    await talk.type("shop: open")
    await talk.type("this")
    assert talk.state.state_name == "sure#0"
    assert calls_on_record(talk.state) == {}
