"""A stored session becomes a conversation test that passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from recorded_talk import RecordedTalk
from written_tests import bot_from

from bot.cli.flow_tests import remarks
from flows.rehearsal.playing import play
from flows.rehearsal.reading import read_text
from flows.rehearsal.script import NOON, Raised, Returned
from flows.rehearsal.transcript import told
from flows.rehearsal.writing import write
from storage.records import ContentType, MessageStatus, Sender, StoredMessage, UploadedFile

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
WAITING = """
from flows import Chat, Flow

parcel = Flow("parcel", phrases=["parcel"])

@parcel
async def follow(chat: Chat) -> None:
    number = await chat.wait(event="sent")
    await chat.say(f"Number {number} is on its way.")
    await chat.wait(event="come")
    await chat.say("It is there.")
"""


class Stored:
    """What a session leaves in the transcript."""

    def __init__(self) -> None:
        self.messages: list[StoredMessage] = []

    def add(
        self,
        sender: Sender,
        content: str,
        content_type: ContentType,
        after: timedelta,
        *files: UploadedFile,
    ) -> None:
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
                files,
            )
        )


async def test_a_finished_session_passes_as_a_test_with_the_results_of_its_calls(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, FLOWS)
    recorded = RecordedTalk(bot)
    await recorded.type("shop: open")
    await recorded.type("that", after=timedelta(days=3, seconds=20))
    await recorded.type("yes")
    assert recorded.conversation.state.flow is None
    talk = recorded.talk
    written = write("Session 1: recorded", talk.messages, talk.results)
    [script] = read_text(written, Path("recorded.yaml"))
    assert script.given.calls == {
        "price": (Returned(Decimal("1.50")),),
        "stock": (Raised("ConnectionError", "away"),),
    }
    assert "  - later: 3 days\n" in written
    transcript = await play(bot, script)
    assert not transcript.differs, "\n".join(told(transcript))


async def test_events_stand_where_they_came(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, WAITING)
    recorded = RecordedTalk(bot)
    await recorded.type("parcel")
    await recorded.happen("sent", 5, after=timedelta(hours=2))
    await recorded.happen("come", None, after=timedelta(minutes=1))
    written = write("A parcel", recorded.messages, recorded.results)
    assert "  - later: 2 hours\n  - event:\n      sent: 5\n" in written
    assert "  - event: come\n" in written
    transcript = await play(bot, read_text(written, Path("recorded.yaml"))[0])
    assert not transcript.differs, "\n".join(told(transcript))
    secret = [replace(each, result=replace(each.result, sensitive=True)) for each in recorded.results]
    assert "sent: '[sensitive]'" in write("A parcel", recorded.messages, secret)


def test_what_looks_like_something_else_stays_text() -> None:
    stored = Stored()
    for text in ("yes", "007", "a: b", "- x", "[sensitive]", "#1", "ä\n\nb"):
        stored.add(Sender.USER, text, ContentType.TEXT, timedelta())
    [script] = read_text(write("no: 1", stored.messages, ()), Path("x"))
    assert [getattr(line, "text", None) for line in script.talk] == [each.content for each in stored.messages]


def test_files_that_were_sent_are_sent_in_the_test() -> None:
    one, other = (UploadedFile(UUID(int=n), f"{n}: a.pdf", "application/pdf", n) for n in (1, 2))
    stored = Stored()
    stored.add(Sender.USER, "", ContentType.TEXT, timedelta(), one)
    stored.add(Sender.USER, "here", ContentType.TEXT, timedelta(), one, other)
    [script] = read_text(write("files", stored.messages, ()), Path("x"))
    assert [(line.text, [file.name for file in line.files]) for line in script.talk] == [  # type: ignore[union-attr]
        ("", ["1: a.pdf"]),
        ("here", ["1: a.pdf", "2: a.pdf"]),
    ]


async def test_the_calls_of_a_sensitive_flow_are_left_out(tmp_path: Path) -> None:
    source = FLOWS.replace('phrases=["shop: open"]', 'phrases=["shop: open"], sensitive=True')
    recorded = RecordedTalk(bot_from(tmp_path, source))
    await recorded.type("shop: open")
    await recorded.type("this")
    assert len(recorded.results) == 2
    assert "calls" not in write("A secret", recorded.messages, recorded.results)


HELPED = """
from datetime import timedelta
from flows import Chat, Flow, Unanswered, operators

desk = Flow("desk", phrases=["desk"])

async def pay(amount): return "P-1"

@desk
async def helped(chat: Chat) -> None:
    person = await chat.handoff("a refund")
    for _ in range(2):
        approval = await chat.approve("Pay back 5?", pay, 5, by=operators("ann"))
        await chat.say(f"Said {person}: {approval.status}, {approval.reason}.")
    await chat.call(pay, 5, approval=approval)
    try:
        await chat.ask("glad", "Glad?", timeout=timedelta(seconds=150), reminder="Still there?")
    except Unanswered:
        await chat.say("Then not.")
    await chat.wait(for_=timedelta(hours=36, minutes=20))
    await chat.say("Good morning.")
    await chat.handoff("a last word")
"""


async def test_a_session_with_operators_reminders_and_time_limits_passes_as_a_test(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, HELPED)
    recorded = RecordedTalk(bot)
    await recorded.type("desk")
    await recorded.operate("reply", "Let me see.")
    await recorded.pass_time(timedelta(minutes=3))
    await recorded.operate("resume")
    await recorded.pass_time(timedelta(minutes=1))
    await recorded.decide(False)
    await recorded.type("why?")
    await recorded.pass_time(timedelta(minutes=2))
    await recorded.decide(True)
    await recorded.pass_time(timedelta(hours=40))
    await recorded.operate("close")
    assert recorded.said[-4:] == ["Glad?", "Still there?\nGlad?", "Then not.", "Good morning."]
    written = write("Helped", recorded.messages, recorded.results)
    for line in (
        "operator: Let me see.",
        "operator:\n      resume: ann",
        "operator:\n      reject: ann",
        "operator:\n      approve: ann",
        "operator:\n      close: ann",
    ):
        assert f"  - {line}\n" in written
    transcript = await play(bot, read_text(written, Path("recorded.yaml"))[0])
    assert not transcript.differs, "\n".join(told(transcript))


async def test_what_an_operator_gave_as_the_reason_is_recorded(tmp_path: Path) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, HELPED))
    await recorded.type("desk")
    await recorded.operate("resume")
    await recorded.decide(False)
    reasoned = [
        replace(each, result=replace(each.result, value={**each.result.value, "reason": "too much"}))
        if each.result.kind == "approve"
        else each
        for each in recorded.results
    ]
    assert "reject: ann\n      because: too much\n" in write("Helped", recorded.messages, reasoned)


async def test_a_reply_that_nothing_in_the_record_led_to_asks_for_a_line_in_front_of_it(
    tmp_path: Path,
) -> None:
    bot = bot_from(tmp_path, WAITING)
    recorded = RecordedTalk(bot)
    await recorded.type("parcel")
    await recorded.happen("sent", 5)
    written = write("A parcel", recorded.messages, ())
    found = remarks(await play(bot, read_text(written, Path("recorded.yaml"))[0]))
    assert found == [
        "line 6: bot> Number 5 is on its way. does not come of the lines in front of it; add there what made it come"
    ]


async def test_a_reply_that_reads_otherwise_today_is_told_as_that(tmp_path: Path) -> None:
    recorded = RecordedTalk(bot_from(tmp_path, WAITING))
    await recorded.type("parcel")
    await recorded.happen("sent", 5)
    today = bot_from(tmp_path / "now", WAITING.replace("is on its way", "has left"))
    written = write("A parcel", recorded.messages, recorded.results)
    found = remarks(await play(today, read_text(written, Path("recorded.yaml"))[0]))
    assert found == [
        "line 7: bot> Number 5 is on its way. was said then; today it is bot> Number 5 has left."
    ]


async def test_what_an_event_brought_is_no_timers_though_its_turn_took_a_while(tmp_path: Path) -> None:
    bot = bot_from(tmp_path, WAITING)
    recorded = RecordedTalk(bot)
    await recorded.type("parcel")
    await recorded.happen("sent", 5)
    accepted = [replace(each, created_at=each.created_at - timedelta(seconds=4)) for each in recorded.results]
    written = write("A parcel", recorded.messages, accepted)
    assert "later" not in written
    transcript = await play(bot, read_text(written, Path("recorded.yaml"))[0])
    assert not transcript.differs, "\n".join(told(transcript))
